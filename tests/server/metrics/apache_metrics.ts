/**
 * The metrics that a broker of Apache RocketMQ 5.3.3 shows with metricsExporterType=PROM after `runMetricsWorkload`, as
 * recorded from one: name, kind, the labels of its series besides those that all have (a row for each set of labels),
 * and for histograms the bounds of the buckets.
 */

export interface ApacheMetric {
  name: string;
  kind: "gauge" | "counter" | "histogram";
  labels: readonly string[];
  bounds: readonly string[];
}

/** Every series has these. */
export const APACHE_COMMON_LABELS = ["cluster", "node_id", "node_type", "otel_scope_name"];

const ROWS = `
rocketmq_broker_permission | gauge |  | 
rocketmq_commit_messages_total | counter | topic | 
rocketmq_consumer_connections | gauge | consume_mode consumer_group is_system language protocol_type version | 
rocketmq_consumer_group_create_execution_time_milliseconds | histogram | invocation_status | 10.0 100.0 1000.0 3000.0 5000.0 +Inf
rocketmq_consumer_group_number | gauge |  | 
rocketmq_consumer_inflight_messages | gauge | consumer_group is_retry is_system topic | 
rocketmq_consumer_lag_latency_milliseconds | gauge | consumer_group is_retry is_system topic | 
rocketmq_consumer_lag_messages | gauge | consumer_group is_retry is_system topic | 
rocketmq_consumer_queueing_latency_milliseconds | gauge | consumer_group is_retry is_system topic | 
rocketmq_consumer_ready_messages | gauge | consumer_group is_retry is_system topic | 
rocketmq_delay_message_latency_seconds | histogram | storage_medium storage_type topic | 60.0 600.0 3600.0 43200.0 86400.0 259200.0 +Inf
rocketmq_finish_message_latency_milliseconds | histogram | topic | 5.0 60.0 600.0 3600.0 43200.0 86400.0 +Inf
rocketmq_half_messages | gauge | topic | 
rocketmq_message_size | histogram | is_system message_type topic | 1024.0 4096.0 524288.0 1048576.0 2097152.0 4194304.0 +Inf
rocketmq_messages_in_total | counter | is_system message_type topic | 
rocketmq_messages_out_total | counter | consumer_group is_retry is_system topic | 
rocketmq_messages_out_total | counter | consumer_group is_system topic | 
rocketmq_pop_buffer_scan_time_consume_milliseconds | histogram |  | 1.0 10.0 100.0 1000.0 2000.0 3000.0 +Inf
rocketmq_pop_checkpoint_buffer_size | gauge |  | 
rocketmq_pop_offset_buffer_size | gauge |  | 
rocketmq_pop_revive_in_message_total | counter | consumer_group put_status revive_message_type topic | 
rocketmq_pop_revive_lag_milliseconds | gauge | queue_id | 
rocketmq_pop_revive_latency_milliseconds | gauge | queue_id | 
rocketmq_pop_revive_out_message_total | counter | consumer_group queue_id revive_message_type topic | 
rocketmq_pop_revive_retry_messages_total | counter | consumer_group put_status topic | 
rocketmq_processor_watermark | gauge | processor | 
rocketmq_producer_connections | gauge | language protocol_type version | 
rocketmq_rollback_messages_total | counter | topic | 
rocketmq_rpc_latency_milliseconds | histogram | is_long_polling protocol_type request_code response_code result | 1.0 3.0 5.0 7.0 10.0 100.0 1000.0 2000.0 3000.0 +Inf
rocketmq_send_to_dlq_messages_total | counter | consumer_group is_system topic | 
rocketmq_storage_dispatch_behind_bytes | gauge | storage_medium storage_type | 
rocketmq_storage_flush_behind_bytes | gauge | storage_medium storage_type | 
rocketmq_storage_message_reserve_time_milliseconds | gauge | storage_medium storage_type | 
rocketmq_storage_size_bytes | gauge | storage_medium storage_type | 
rocketmq_throughput_in_total | counter | is_system message_type topic | 
rocketmq_throughput_out_total | counter | consumer_group is_retry is_system topic | 
rocketmq_throughput_out_total | counter | consumer_group is_system topic | 
rocketmq_timer_dequeue_lag | gauge | storage_medium storage_type | 
rocketmq_timer_dequeue_latency_milliseconds | gauge | storage_medium storage_type | 
rocketmq_timer_dequeue_total | counter | storage_medium storage_type topic | 
rocketmq_timer_enqueue_lag | gauge | storage_medium storage_type | 
rocketmq_timer_enqueue_latency_milliseconds | gauge | storage_medium storage_type | 
rocketmq_timer_enqueue_total | counter | storage_medium storage_type topic | 
rocketmq_timer_message_snapshot | gauge | storage_medium storage_type timer_bound_s | 
rocketmq_timing_messages | gauge | storage_medium storage_type topic | 
rocketmq_topic_create_execution_time_milliseconds | histogram | invocation_status is_system | 10.0 100.0 1000.0 3000.0 5000.0 +Inf
rocketmq_topic_number | gauge |  | 
`;

export const APACHE_METRICS: readonly ApacheMetric[] = ROWS.trim().split("\n").map((row) => {
  const [name, kind, labels, bounds] = row.split("|").map((cell) => cell.trim());
  const words = (cell: string) => cell === "" ? [] : cell.split(" ");
  return {
    name: name!,
    kind: kind as ApacheMetric["kind"],
    labels: words(labels!),
    bounds: words(bounds!),
  };
});

/** Those that Comet does not have, and why not: docs/monitoring.md says the same. */
export const NOT_SERVED: Readonly<Record<string, string>> = {
  rocketmq_pop_buffer_scan_time_consume_milliseconds: "no buffer of checkpoints is scanned",
  rocketmq_pop_revive_out_message_total: "the revive log is only read at a start",
};
