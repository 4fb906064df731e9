import type { TextTable } from "./text.ts";

/** What waits, and what became of a message. */
export const pendingTexts = {
  "nav.delayed": ["Delayed", "定时消息"],
  "nav.transactions": ["Transactions", "事务消息"],
  "nav.trace": ["Trace", "轨迹"],
  "delayed.lead": [
    "Messages that wait for their time, the next one first.",
    "等待投递的消息，最近到期的在前。",
  ],
  "delayed.due": ["Due", "到期时间"],
  "delayed.in": ["in {time}", "{time} 后"],
  "delayed.cancel": ["Cancel", "取消投递"],
  "delayed.cancelled": ["{id} will not be delivered", "{id} 将不会投递"],
  "delayed.cancelTitle": ["Take this message back?", "撤回此消息？"],
  "delayed.cancelHelp": [
    "It is not delivered, and cannot be brought back.",
    "消息将不会投递，且无法恢复。",
  ],
  "delayed.none": ["Nothing waits", "没有等待的消息"],
  "delayed.noneHelp": ["Send a message that is due later:", "发送一条稍后投递的消息："],
  "delayed.incomplete": [
    "{count} looked at, there may be more. Name a topic to see less.",
    "已扫描 {count} 条，可能还有更多。可指定主题缩小范围。",
  ],
  "transactions.lead": [
    "Half messages: sent, but neither committed nor rolled back. Brokers ask their producers.",
    "半消息：已发送但未提交或回滚，代理会回查生产者。",
  ],
  "transactions.age": ["Age", "已等待"],
  "transactions.checks": ["Asked", "回查次数"],
  "transactions.producer": ["Producer group", "生产者组"],
  "transactions.none": ["No transaction is open", "没有未完成的事务"],
  "transactions.noneHelp": [
    "Those that brokers have given up lie in TRANS_CHECK_MAX_TIME_TOPIC.",
    "代理放弃回查的消息位于 TRANS_CHECK_MAX_TIME_TOPIC。",
  ],
  "transactions.givenUp": ["Given up", "已放弃的消息"],
  "trace.lead": [
    "The life of one message: sent, stored, delivered, retried.",
    "一条消息的生命周期：发送、存储、投递、重试。",
  ],
  "trace.id": ["Message id", "消息 ID"],
  "trace.show": ["Show", "查看"],
  "trace.choose": ["Name a message", "指定一条消息"],
  "trace.chooseHelp": [
    "Its topic and id; a message that you have found by its key has a button that leads here.",
    "填写主题与消息 ID；也可从按 Key 找到的消息进入。",
  ],
  "trace.broker": ["broker", "代理"],
  "trace.client": ["client", "客户端"],
  "trace.took": ["took {time}", "耗时 {time}"],
  "trace.failed": ["failed", "失败"],
  "trace.attempt": ["attempt {n}", "第 {n} 次"],
  "trace.noTopic": [
    "{topic} is not there, so clients cannot tell of what they do. Set traceTopicEnable=true.",
    "{topic} 不存在，客户端无法上报轨迹。请设置 traceTopicEnable=true。",
  ],
  "trace.noClient": [
    "No client has told anything: tracing is off in their settings (in Java: the constructor's enableMsgTrace). Only what brokers know is shown.",
    "没有客户端上报轨迹：客户端未开启（Java 构造参数 enableMsgTrace）。仅显示代理已知的信息。",
  ],
  "track.title": ["Who has consumed it", "消费情况"],
  "track.none": ["No group has subscribed to its topic.", "没有消费组订阅该主题。"],
  "track.passed": ["The group's offset is behind it", "位点已越过"],
  "track.state": ["State", "状态"],
  "dlq.to": ["To", "发送到"],
  "dlq.to.group": ["this group alone", "仅此消费组"],
  "dlq.to.topic": ["their topic: every group gets them", "原主题：所有消费组都会收到"],
  "dlq.failed": ["{count} could not be sent: {why}", "{count} 条发送失败：{why}"],
} as const satisfies TextTable;
