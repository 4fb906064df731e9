/**
 * Commands for administrators, each with what it has to print: mqadmin, unchanged, and `comet admin`, which takes the same
 * line. NS, BROKER and HOME stand for the addresses and a folder.
 */

import { UNIQUE_KEY } from "./admin_workload.ts";

export interface AdminRow {
  command: string;
  /** What Apache's mqadmin prints. */
  mqadmin: RegExp[];
  /** What `comet admin` prints; absent where it has no such command. */
  comet?: RegExp[];
  /** The line of `comet admin` when it differs. */
  cometCommand?: string;
  /** Against whom the row holds; both when absent. */
  only?: "Comet";
  /** mqadmin goes on until it is stopped; it is when it has printed, or logged, what it has to. */
  isEndless?: boolean;
}

/** Rows that build on each other. */
export type AdminChain = readonly AdminRow[];

const row = (command: string, mqadmin: RegExp[], comet: RegExp[], more: Partial<AdminRow> = {}) => [
  { command, mqadmin, comet, ...more },
];

/** What mqadmin prints of a request that Comet refuses. */
const refused = (command: string, reason: RegExp): AdminChain => [{
  command,
  mqadmin: [reason],
  only: "Comet",
}];

/** Commands that only look; in any order. */
const LOOKING: readonly AdminChain[] = [
  row("clusterList -n NS", [/broker-a +0 +BROKER +V5_3_3 .* true/], [
    /DefaultCluster +broker-a +0 +BROKER +V5_3_3 .* true/,
  ]),
  row("clusterList -n NS -m", [/DefaultCluster +broker-a +0 +0 +\d+ +\d+/], [
    /DefaultCluster +broker-a +0 +BROKER +0 +0 +\d+ +\d+/,
  ]),
  row("topicList -n NS", [/^Topic$/m], [/^Topic +normal +NORMAL +1 +1 +RW- +broker-a$/m]),
  row("topicList -n NS -c", [/DefaultCluster +Topic +Group/], [/^Topic .* broker-a +.*\bGroup\b/m]),
  row("topicRoute -n NS -t Topic", [/"queueDatas":\[[^\]]*"readQueueNums":1/], [
    /broker-a +DefaultCluster +1 +1 +RW- +0:BROKER/,
  ]),
  row("topicClusterList -n NS -t Topic", [/DefaultCluster/], [/DefaultCluster/]),
  row("topicStatus -n NS -t Topic", [/broker-a +0 +0 +5 +20\d\d-/], [/broker-a +0 +0 +5 +20\d\d-/]),
  row("allocateMQ -n NS -t Topic -i a,b", [
    /"a":\[\{"brokerName":"broker-a","queueId":0,"topic":"Topic"\}\]/,
  ], [/^a +broker-a:0$/m, /^b +-$/m]),
  row("brokerStatus -n NS -b BROKER", [
    /brokerVersionDesc +: V5_3_3/,
    /msgPutTotalTodayNow +: \d/,
    /putTps +: [\d.]+ /,
  ], [/brokerVersionDesc +V5_3_3/, /msgPutTotalTodayNow +\d/]),
  row("getBrokerConfig -n NS -b BROKER", [/brokerName += +broker-a/], [/^brokerName +broker-a$/m]),
  row("getNamesrvConfig -n NS", [/orderMessageEnable += +false/], [/^orderMessageEnable +false$/m]),
  row("haStatus -n NS -b BROKER", [/#MasterCommitLogMaxOffset\t\d+\n#SlaveNum\t0/], [
    /Master +BROKER\nLog bytes +\d+\nSlaves +0/,
  ]),
  row("producer -n NS -b BROKER", [/producer group \(Producers\) instance/], [
    /Producers +admin-test +127\.0\.0\.1:\d+/,
  ]),
  row("producerConnection -n NS -g Producers -t Topic", [/admin-test +127\.0\.0\.1:\d+/], [
    /admin-test +127\.0\.0\.1:\d+/,
  ]),
  row("consumerConnection -n NS -g Group", [
    /admin-test/,
    /Topic +TagA/,
    /ConsumeType: CONSUME_PASSIVELY/,
  ], [/admin-test/, /Topic +TAG +TagA/, /consumeType +CONSUME_PASSIVELY/]),
  row("consumerStatus -n NS -g Group", [/admin-test +V5_3_3/, /Same subscription/], [
    /admin-test .* broker-a +true +1$/m,
  ]),
  row("consumerStatus -n NS -g Group -i admin-test", [/PROP_CONSUME_TYPE +: CONSUME_PASSIVELY/], [
    /PROP_CONSUME_TYPE +CONSUME_PASSIVELY/,
    /Topic +broker-a +0 +2 +3/,
  ]),
  row("consumerProgress -n NS -g Group", [/Topic +broker-a +0 +5 +2 +3 /, /Diff Total: 3/], [
    /Topic +broker-a +0 +5 +2 +3 /,
    /Diff total +3/,
  ]),
  row("consumerProgress -n NS", [/Group +1 +V5_3_3 +PUSH +CLUSTERING +\d+ +3/], [
    /^Group +1 +[\d.]+ +3$/m,
  ]),
  row("brokerConsumeStats -n NS -b BROKER", [/Topic +Group +broker-a +0 +5 +2 +3 /], [
    /Topic +Group +broker-a +0 +5 +2 +3 /,
  ]),
  row("statsAll -n NS -t Topic", [/Topic +Group +3 /], [/Topic +Group +3 +[\d.]+ /]),
  row("getConsumerConfig -n NS -g Group", [/groupName += +Group/, /retryMaxTimes += +16/], [
    /groupName +Group/,
    /retryMaxTimes +16/,
  ]),
  row("queryCq -n NS -t Topic -q 0 -i 1 -c 2 -b BROKER -g Group", [
    /ConsumeQueueData\{physicOffset=\d+/,
  ], [/subscriptionData .*TagA/, / 1 +\d+ +\d+ +2598919/]),
  row("queryMsgByKey -n NS -t Topic -k key1", [/\w{32} +0 +1/], [/\w{32} +broker-a +0 +1 +TagA/]),
  row(`queryMsgByUniqueKey -n NS -t Topic -i ${UNIQUE_KEY}1`, [/Queue Offset: +1/], [
    /Queue offset +1/,
    /Body +message 1/,
  ]),
  row(`queryMsgByUniqueKey -n NS -t Topic -i ${UNIQUE_KEY}1 -g Group -d admin-test`, [
    /CR_SUCCESS/,
  ], [/consumeResult +CR_SUCCESS/]),
  row(`queryMsgById -n NS -t Topic -i ${UNIQUE_KEY}1`, [/Queue Offset: +1/], [/Queue offset +1/]),
  row("queryMsgByOffset -n NS -t Topic -b broker-a -i 0 -o 1", [/Keys: +\[key1\]/], [
    /Keys +key1/,
  ]),
  row(`queryMsgTraceById -n NS -i ${UNIQUE_KEY}1`, [/Pub +Producers .* 7ms +success/], [
    /Pub +Producers .* 7 +success/i,
  ]),
  row("printMsg -n NS -t Topic", [/MSGID: \w+0 .*BODY: message 0/, /BODY: message 4/], [
    /broker-a:0:0 .*message 0$/m,
    /message 4$/m,
  ]),
  row("printMsgByQueue -n NS -t Topic -a broker-a -i 0 -p true -d true -f true", [
    /BODY: message 4/,
    /Tag: TagA +Count: 5/,
  ], [/message 4$/m, /TagA +5/]),
  row("consumeMessage -n NS -t Topic -b broker-a -i 0 -o 1 -c 2", [/BODY: message 1/], [
    /message 1$/m,
    /message 2$/m,
  ]),
  row("exportMetadata -n NS -c DefaultCluster -f HOME/export", [/metadata\.json success/], [
    /metadata\.json is written/,
  ]),
  row("exportConfigs -n NS -c DefaultCluster -f HOME/export", [/configs\.json success/], [
    /configs\.json is written/,
  ]),
  row("exportMetrics -n NS -c DefaultCluster -f HOME/export", [/metrics\.json success/], [
    /metrics\.json is written/,
  ]),
  row("dumpCompactionLog -f COMPACTED", [/topic='Compacted'/], [/keys=key {2}compacted$/m], {
    only: "Comet",
  }),
  row("startMonitoring -n NS", [/consumer group: __MONITOR_CONSUMER changed/], [
    /^20\d\d-.* Group +1 +[\d.]+ +3$/m,
  ], { isEndless: true }),
];

/** Commands that change something, or need it unchanged; the chains do not meet. */
const CHANGING: readonly AdminChain[] = [
  [
    ...row("updateTopic -n NS -b BROKER -t Made -r 2 -w 2", [/create topic to BROKER success/], [
      /BROKER +topic Made is set/,
    ]),
    ...row("updateTopicPerm -n NS -b BROKER -t Made -p 4", [/from 6 to 4 in BROKER success/], [
      /BROKER +perm of Made is R--/,
    ]),
    ...row("updateTopicList -n NS -b BROKER -f HOME/topics.json", [
      /topic config to BROKER success/,
    ], [
      /BROKER +1 topics are set/,
    ]),
    ...row("topicRoute -n NS -t Listed", [/"writeQueueNums":3/], [/broker-a .* 3 +3 +RW-/]),
    ...row("deleteTopic -n NS -c DefaultCluster -t Made", [
      /delete topic \[Made\] from NameServer success/,
    ], [/BROKER +topic Made is deleted/]),
  ],
  [
    ...row("updateSubGroup -n NS -b BROKER -g Copy", [
      /create subscription group to BROKER success/,
    ], [/BROKER +group Copy is set/]),
    ...row("updateSubGroupList -n NS -b BROKER -f HOME/groups.json", [
      /group config to BROKER success/,
    ], [/BROKER +1 groups are set/]),
    ...row("setConsumeMode -n NS -b BROKER -t Topic -g Copy -m POP -q 1", [
      /set consume mode to BROKER success/,
    ], [/BROKER +Copy is set to POP for Topic/]),
    ...row("cloneGroupOffset -n NS -s Group -d Copy -t Topic", [/clone group offset success/], [
      /broker-a +0 +- +2/,
    ]),
    ...row("resetOffsetByTime -n NS -g Group -t Topic -s 0", [/broker-a +0 +0 /], [
      /broker-a +0 +0 +5 +2 +0 +2 +0/,
    ]),
    ...row("skipAccumulatedMessage -n NS -g Group -t Topic", [/broker-a +0 +5 /], [
      /broker-a +0 +0 +5 +0 +5 +0 +5/,
    ]),
    ...row("deleteSubGroup -n NS -b BROKER -g Copy -r true", [
      /delete subscription group \[Copy\] from broker \[BROKER\] success/,
    ], [/BROKER +group Copy is deleted/]),
  ],
  [
    ...row("updateKvConfig -n NS -s TEST -k a -v b", [/create or update kv config .* success/], [
      /TEST a: not set → b/,
    ]),
    ...row("deleteKvConfig -n NS -s TEST -k a", [/delete kv config from namespace success/], [
      /TEST a: b → not set/,
    ]),
    ...row("updateOrderConf -n NS -t Topic -m put -v broker-a:1", [/update orderConf success/], [
      /not set → broker-a:1/,
    ]),
    ...row("updateOrderConf -n NS -t Topic -m get", [/orderConf=\[broker-a:1\]/], [
      /^broker-a:1$/m,
    ]),
    ...row("updateOrderConf -n NS -t Topic -m delete", [/delete orderConf success/], [
      /broker-a:1 → not set/,
    ]),
  ],
  [
    ...row("updateBrokerConfig -n NS -b BROKER -k longPollingEnable -v false", [
      /update broker config success, BROKER/,
    ], [/BROKER +longPollingEnable +true +false/]),
    ...row(
      "updateBrokerConfig -n NS -b BROKER -k listenPort -v 1",
      [
        /listenPort cannot change while the broker runs/,
      ],
      [/listenPort cannot change while the broker runs.*INVALID_PARAMETER/],
      { only: "Comet" },
    ),
    ...row("getBrokerConfig -n NS -b BROKER", [/longPollingEnable += +false/], [
      /longPollingEnable +false/,
    ]),
    ...row("cleanExpiredCQ -n NS -b BROKER", [/success/], [/BROKER +done/]),
    ...row("cleanUnusedTopic -n NS -b BROKER", [/success/], [/BROKER +done/]),
    ...row("deleteExpiredCommitLog -n NS -b BROKER", [/success/], [/BROKER +done/]),
  ],
  [
    ...row("sendMessage -n NS -t Sent -p body -k k -c TagA", [/broker-a +\d +SEND_OK/], [
      /sendStatus +SEND_OK/,
    ]),
    ...row("checkMsgSendRT -n NS -t Sent -a 3 -s 16", [/broker-a +\d +true/, /Avg RT/], [
      /broker-a +\d +SEND_OK/,
      /Average RT ms/,
    ]),
    ...row("sendMsgStatus -n NS -b broker-a -c 2", [/sendStatus=SEND_OK/], [
      /broker-a +0 +SEND_OK/,
    ]),
    ...row("clusterRT -n NS -a 2 -s 16", [/DefaultCluster +broker-a +[\d.]+ +2 +0/], [
      /DefaultCluster +broker-a +[\d.]+ +2 +0/,
    ], { isEndless: true }),
  ],
];

/** What has no meaning for Comet, and its answer. */
const REFUSED: readonly AdminChain[] = [
  refused("addBroker -n NS -c BROKER -b HOME/broker.conf", /there is no broker container/),
  refused("removeBroker -n NS -c BROKER -b DefaultCluster:b:0", /there is no broker container/),
  refused(
    "updateStaticTopic -n NS -t Static -qn 4 -c DefaultCluster",
    /there are no static topics/,
  ),
  refused("exportPopRecord -n NS -b BROKER", /nothing is kept in RocksDB/),
  refused("rocksDBConfigToJson -n NS -c DefaultCluster", /nothing is kept in RocksDB/),
  refused("checkRocksdbCqWriteProgress -n NS -c DefaultCluster", /nothing is kept in RocksDB/),
  refused("getSyncStateSet -n NS -a NS -b broker-a", /there is no controller/),
  refused("getBrokerEpoch -n NS -b broker-a", /there is no controller/),
  refused("getControllerMetaData -n NS -a NS", /there is no controller/),
  refused("getControllerConfig -n NS -a NS", /there is no controller/),
  refused("updateControllerConfig -n NS -a NS -k a -v b", /there is no controller/),
  refused("electMaster -n NS -a NS -b 1 -bn broker-a -c DefaultCluster", /there is no controller/),
  refused(
    "cleanBrokerMetadata -n NS -a NS -bn broker-a -b 1 -c DefaultCluster",
    /there is no controller/,
  ),
  refused("getColdDataFlowCtrInfo -n NS -b BROKER", /so they are not limited/),
  refused("updateColdDataFlowCtrGroupConfig -n NS -b BROKER -g g -v 1", /so they are not limited/),
  refused("removeColdDataFlowCtrGroupConfig -n NS -b BROKER -g g", /so they are not limited/),
  refused("setCommitLogReadAheadMode -n NS -b BROKER -m 0", /so they are not limited/),
  [{
    command: "updateNamesrvConfig -n NS -k orderMessageEnable -v true",
    mqadmin: [/name server's settings cannot be changed remotely/],
    comet: [/name server's settings cannot be changed remotely/],
    only: "Comet",
  }],
];

/** Nothing else is possible while these run. */
const ALONE: AdminChain = [
  ...row("wipeWritePerm -n NS -b broker-a", [/name server\[NS\] OK, \d+/], [
    /\d+ topics of broker-a cannot be written any more/,
  ]),
  ...row("addWritePerm -n NS -b broker-a", [/name server\[NS\] OK, \d+/], [
    /\d+ topics of broker-a can be written again/,
  ]),
];

/** Stages, one after the other; the chains of a stage may run side by side. */
export const ADMIN_STAGES: readonly (readonly AdminChain[])[] = [
  [...LOOKING, ...REFUSED],
  CHANGING,
  [ALONE],
];

/** All rows in an order in which they can run. */
export const ADMIN_ROWS: readonly AdminRow[] = ADMIN_STAGES.flat(2);
