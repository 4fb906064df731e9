import type { TextTable } from "./text.ts";

/** The overview and the search through everything; cluster and clients. */
export const overviewTexts = {
  "overview.well": ["Everything is well.", "一切正常。"],
  "overview.in": ["Coming in", "写入"],
  "overview.out": ["Going out", "消费"],
  "overview.lag": ["Lag", "堆积"],
  "overview.disk": ["Disk", "磁盘"],
  "overview.latency": ["Send p99", "发送 p99"],
  "overview.clients": ["Connections", "连接"],
  "overview.lagNote": ["the groups that lag most", "积压最多的消费组"],
  "overview.latencyNote": ["the slowest of 100 sends", "最慢的 1% 发送"],
  "overview.diskNote": ["fullest broker", "最满的代理"],
  "overview.clientsNote": ["producers and consumers", "生产者与消费者"],
  "overview.rates": ["Messages per second, last hour", "最近一小时每秒消息数"],
  "overview.groups": ["Groups with most lag", "堆积最多的消费组"],
  "overview.topics": ["Topics", "主题"],
  "overview.allGroups": ["All groups", "所有消费组"],
  "overview.allTopics": ["All topics", "所有主题"],
  "overview.noGroups": ["No group has any lag.", "没有消费组有堆积。"],
  "overview.first": ["Send the first message", "发送第一条消息"],
  "overview.firstHelp": [
    "Any RocketMQ client works with {address}; or over HTTP:",
    "任意 RocketMQ 客户端可连接 {address}；或通过 HTTP：",
  ],
  "problem.diskFull": [
    "{broker}: the disk is {part} full. Free space, or keep messages for a shorter time (fileReservedTime).",
    "{broker}：磁盘已用 {part}。请释放空间，或缩短消息保留时间（fileReservedTime）。",
  ],
  "problem.broker": [
    "{broker} ({address}) does not answer: {detail}",
    "{broker}（{address}）没有响应：{detail}",
  ],
  "problem.noBroker": [
    "No broker is registered. Start one with its name server set to {address}.",
    "没有已注册的代理。请启动代理并将名称服务器设为 {address}。",
  ],
  "problem.behind": [
    "{broker}: {bytes} are stored and not in the queues yet; consumers get them late.",
    "{broker}：{bytes} 已存储但尚未进入队列，消费会延迟。",
  ],
  "problem.lag": [
    "{group} is {count} {count:message|messages} behind and consumes nothing. See whether its members are there.",
    "{group} 堆积 {count} 条且没有消费，请检查其成员是否在线。",
  ],
} as const satisfies TextTable;
