/**
 * The settings of Apache RocketMQ that Comet does not use: known, so that an existing broker.conf passes with warnings
 * while a typing mistake does not.
 */

/** Of 5.3.3: the broker, the message store, both ends of its connections, name server, controller, auth, container. */
const OF_5_3_3 = `
  accessMessageInMemoryHotRatio accessMessageInMemoryMaxRatio accountStatsEnable accountStatsPrintZeroValues
  ackMessageThreadPoolNums ackThreadPoolQueueCapacity aclCacheExpiredSecond aclCacheMaxNum aclCacheRefreshSecond
  aclEnable adminBrokerThreadPoolNums adminBrokerThreadPoolQueueCapacity allAckInSyncStateSet
  appendAckAsync appendCkAsync asyncLearner asyncSendEnable authConfigPath
  authenticationEnabled authenticationMetadataProvider authenticationProvider authenticationStrategy
  authenticationWhitelist authorizationEnabled authorizationMetadataProvider authorizationProvider
  authorizationStrategy authorizationWhitelist autoDeleteUnusedStats autoMessageVersionOnTopicLen
  batchDispatchRequestThreadPoolNums bitMapLengthConsumeQueueExt bottomMostCompressionTypeForConsumeQueueStore
  broadcastOffsetExpireMaxSecond broadcastOffsetExpireSecond brokerConfigPath brokerConfigPaths brokerContainerIP
  brokerElectionPriority brokerFastFailureEnable brokerHeartbeatInterval brokerRole cgColdReadThreshold
  channelNotActiveInterval checkCRCOnRecover checkSyncStateSetPeriod
  cleanOfflineBrokerInterval cleanRocksDBDirtyCQIntervalMin cleanSwapedMapInterval
  clientAsyncSemaphoreValue clientCallbackExecutorThreads
  clientChannelMaxIdleTimeSeconds clientCloseSocketIfTimeout clientManagerThreadPoolQueueCapacity
  clientManageThreadPoolNums clientOnewaySemaphoreValue clientPooledByteBufAllocatorEnable
  clientRequestThreadPoolNums clientRequestThreadPoolQueueCapacity clientSocketRcvBufSize clientSocketSndBufSize
  clientWorkerThreads clusterName clusterTest coldCtrStrategyEnable coldDataFlowControlEnable coldDataScanEnable
  commercialBaseCount commercialSizePerMsg commitCommitLogLeastPages commitCommitLogThoroughInterval
  commitIntervalCommitLog commitLogForceSwapMapInterval commitLogSwapMapInterval commitLogSwapMapReserveFileNum
  compactionThreadNum compatibleWithOldNameSrv compressedRegister configBlackList configManagerVersion configName configStorePath
  connectTimeoutMillis consumerFallbehindThreshold consumerManagerThreadPoolQueueCapacity
  consumerManageThreadPoolNums consumerOffsetUpdateVersionStep controllerAddr controllerDLegerGroup
  controllerDLegerPeers controllerDLegerSelfId controllerHeartBeatTimeoutMills
  controllerRequestThreadPoolQueueCapacity controllerStorePath controllerThreadPoolNums controllerType
  correctLogicMinOffsetForceInterval correctLogicMinOffsetSleepInterval dataReadAheadEnable debugLockEnable
  defaultThreadPoolNums defaultThreadPoolQueueCapacity
  delayOffsetUpdateVersionStep deleteCommitLogFilesInterval deleteConsumeQueueFilesInterval
  destroyMapedFileIntervalForcibly disableCallbackExecutor disableConsumeIfConsumerReadSlowly
  disableNettyWorkerGroup disappearTimeAfterStart diskFallRecorded
  dispatchCqCacheNum dispatchCqThreads dispatchFromSenderThread dLegerGroup dLegerPeers
  dLegerSelfId duplicationEnable electMasterMaxRetryCount enableAsyncReput enableAutoInSyncReplicas enableBatchPush
  enableBroadcastOffsetStore enableBuildConsumeQueueConcurrently enableCalcFilterBitMap enableCleanExpiredOffset
  enableConsumeQueueExt enableControllerInNamesrv enableControllerMode enableCreateSysGroup
  enableDetailStat enableDLegerCommitLog enableElectUncleanMaster enableFastChannelEventProcess
  enableLmqStats enableNetWorkFlowControl
  enableNotifyAfterPopOrderLockRelease enableNotifyBeforePopCalculateLag enablePopBatchAck enablePopBufferMerge
  enablePopLog enableReconnectForGoAway enableRegisterProducer enableRemoteEscape
  enableRocksDBLog enableScheduleAsyncDeliver enableScheduleMessageStats enableShutdownGracefully
  enableSingleTopicRegister enableSkipLongAwaitingAck enableSlaveActingMaster enableSplitRegistration
  endTransactionPoolQueueCapacity endTransactionThreadPoolNums expectConsumerNumUseFilter
  fastFailIfNoBufferInStorePool fetchControllerAddrByDnsLookup fetchNamesrvAddrByAddressServer
  fetchNameSrvAddrByDnsLookup fetchNamesrvAddrInterval
  flushCommitLogLeastPages flushCommitLogThoroughInterval flushCommitLogTimed flushConsumeQueueLeastPages
  flushConsumeQueueThoroughInterval flushConsumerOffsetHistoryInterval flushDelayOffsetInterval
  flushIntervalConsumeQueue flushLeastPagesWhenWarmMapedFile forceRegister forceVerifyPropCRC forwardTimeout
  globalColdReadThreshold haFlowControlEnable haHousekeepingInterval haMasterAddress haMaxGapNotInSync
  haMaxTimeSlaveNotCatchup haSendHeartbeatInterval haTransferBatchSize heartbeatThreadPoolNums
  heartbeatThreadPoolQueueCapacity highSpeedMode inBrokerContainer initAuthenticationUser
  innerClientAuthenticationCredentials inSyncReplicas isBrokerContainer
  isInBrokerContainer isolateLogEnable isProcessReadEvent isScanAvailableNameSrv jraftConfig jRaftControllerRPCAddr
  jRaftElectionTimeoutMs jRaftGroupId jRaftInitConf jRaftScanWaitTimeoutMs jRaftServerId jRaftSnapshotIntervalSecs
  litePullMessageEnable litePullMessageThreadPoolNums litePullThreadPoolQueueCapacity
  loadBalanceProcessorThreadPoolNums loadBalanceThreadPoolQueueCapacity
  lockInStrictMode logicalDiskSpaceCleanForciblyThreshold logicQueueForceSwapMapInterval logicQueueSwapMapInterval
  logicQueueSwapMapReserveFileNum mappedFileSize mappedFileSizeConsumeQueueExt
  mappedFileSwapEnable mapperFileSizeBatchConsumeQueue maxAsyncPutMessageRequests maxBatchDeleteFilesNum
  maxChecksumRange maxConsumeQueueScan maxErrorRateOfBloomFilter maxFilterMessageSize maxHaTransferByteInSecond
  maxMsgsNumBatch maxReconnectIntervalTimeSeconds
  maxRecoveryCommitlogFiles maxSlaveResendLength maxStatsIdleTimeInMinutes maxTopicLength memTableFlushIntervalMs
  messageIndexSafe messageStorePlugIn metricGrpcExporterIntervalInMills metricGrpcExporterTimeOutInMills
  metricLoggingExporterIntervalInMills metricsGrpcExporterHeader metricsGrpcExporterTarget
  metricsInDelta
  migrateAuthFromV1Enabled minInSyncReplicas notifyBrokerRoleChanged notifyMinBrokerIdChanged offsetCheckInSlave
  osPageCacheBusyTimeOutMills popCkOffsetMaxQueueSize popCkStayBufferTime popCkStayBufferTimeOut
  popConsumerFSServiceInit popConsumerKVServiceEnable popConsumerKVServiceInit popConsumerKVServiceLog
  popLongPollingForceNotifyInterval
  popReviveMaxAttemptTimes popReviveMaxReturnSizePerRead
  preferredLeaderId printChannelGroups printChannelGroupsMinNum processReadEvent processReplyMessageThreadPoolNums
  productEnvName pullBatchMaxMessageCount pullMessageThreadPoolNums pullThreadPoolQueueCapacity
  putConsumeQueueDataByFileChannel putMessageFutureThreadPoolNums putMessageTimeout putMsgIndexHightWater
  putThreadPoolQueueCapacity queryMessageThreadPoolNums queryThreadPoolQueueCapacity readOnlyCommitLogStorePaths
  readUnCommitted realTimeNotifyConsumerChange realTimePersistRocksDBConfig
  recheckReputOffsetFromCq recoverConcurrently recoverThreadPoolNums redeleteHangedFileInterval regionId
  rejectPullConsumerEnable replicasPerDiskPartition replyThreadPoolQueueCapacity
  reviveAckWaitMs reviveInterval reviveMaxSlow reviveScanTime rmqAddressServerDomain
  rmqAddressServerSubGroup rocketmqHome rocksdbCompressionType rocksdbCQDoubleWriteEnable rocksdbFlushWalFrequency
  rocksdbWalFileRollingThreshold sampleCountThreshold sampleSteps scanAvailableNameSrv scanInactiveMasterInterval
  scheduleAsyncDeliverMaxPendingLimit scheduleAsyncDeliverMaxResendNum2Blocked searchBcqByCacheEnable
  sendHeartbeatTimeoutMillis sendMessageThreadPoolNums sendThreadPoolQueueCapacity serverAsyncSemaphoreValue
  serverCallbackExecutorThreads serverNettyWorkerGroupEnable serverOnewaySemaphoreValue
  serverPooledByteBufAllocatorEnable serverSelectorThreads serverSocketBacklog serverSocketRcvBufSize
  serverSocketSndBufSize serverWorkerThreads shutdownWaitTimeSeconds skipPreOnline skipWhenCKRePutReachMaxTimes
  slaveReadEnable slaveTimeout socksProxyConfig spinLockCollisionRetreatOptimalDegree splitRegistrationSize
  startAcceptSendRequestTimeStamp statefulAuthenticationCacheExpiredSecond statefulAuthenticationCacheMaxNum
  statefulAuthorizationCacheExpiredSecond statefulAuthorizationCacheMaxNum statRocksDBCQIntervalSec
  storePathBrokerIdentity storePathDLedgerCommitLog storePathEpochFile storeType
  subscriptionExpiredTimeout syncBrokerMemberGroupPeriod syncBrokerMetadataPeriod syncControllerMetadataPeriod
  syncFlushTimeout syncFromLastFile syncMasterFlushOffsetWhenStartup timerCheckMetricsWhen
  timerColdDataCheckIntervalMs timerCongestNumEachSlot timerEnableCheckMetrics timerEnableDisruptor
  timerEnableRetryUntilSuccess timerFlushIntervalMs timerGetMessageThreadNum timerInterceptDelayLevel
  timerMetricSmallThreshold timerProgressLogIntervalMs timerPutMessageThreadNum
  timerSkipUnknownError timerStopDequeue timerStopEnqueue timerWarmEnable
  topicQueueLockNum totalReplicas traceOn
  transactionMetricFlushInterval transactionOpBatchInterval transactionOpMsgMaxSize
  transferMsgByHeap transientStorePoolEnable transientStorePoolSize travelCqFileNumWhenGetMessage
  unRegisterBrokerQueueCapacity updateNameServerAddrPeriod updateNamesrvAddrInterval useABSLock
  useEpollNativeSelector usePIDColdCtrStrategy userCacheExpiredSecond userCacheMaxNum userCacheRefreshSecond
  useReentrantLockWhenPutMessage useStaticSubscription useTLS
  validateSystemTopicWhenUpdateTopic waitTimeMillsInAckQueue waitTimeMillsInAdminBrokerQueue
  waitTimeMillsInHeartbeatQueue waitTimeMillsInLitePullQueue waitTimeMillsInPullQueue waitTimeMillsInSendQueue
  waitTimeMillsInTransactionQueue wakeCommitWhenPutMessage wakeFlushWhenPutMessage warmMapedFileEnable
  writeBufferHighWaterMark writeBufferLowWaterMark
`;

/** Of versions from 4.0 on that 5.3.3 no longer has. */
const OF_EARLIER_VERSIONS = `
  batchWriteKvCqSize commercialBigCount commercialEnable commercialTimerCount commercialTransCount
  enableTransparentRetry filterServerNums haSlaveFallbehindMax isEnableBatchPush mapedFileSizeCommitLog
  mapedFileSizeConsumeQueue maxDelayTime memTableFlushInterval serverLoadBalancerEnabled
  transferMetadataJsonToRocksdb transferOffsetJsonToRocksdb
`;

/** Read by no version, yet found in countless files, copied from one guide to the next. */
const OF_FOLKLORE = `
  abortFile checkTransactionMessageEnable storeCheckpoint storePathAbort storePathCheckpoint storePathConsumeQueue
  storePathConsumerQueue storePathIndex
`;

const NAMES: ReadonlySet<string> = new Set(
  [OF_5_3_3, OF_EARLIER_VERSIONS, OF_FOLKLORE].flatMap((names) => names.trim().split(/\s+/)),
);

/**
 * Values that promise something, safety or a role, that Comet does not have yet. Going on without it would be worse
 * than not starting: an open broker where a closed one was ordered, or a second master where a slave was.
 */
const PROMISES: Record<string, { value: string; promise: string }> = {
  brokerRole: { value: "SLAVE", promise: "a replica" },
  enableControllerMode: { value: "true", promise: "fail-over by a controller" },
  enableDLegerCommitLog: { value: "true", promise: "a replicated commit log" },
  storeType: { value: "defaultRocksDB", promise: "queues, topics and offsets in RocksDB" },
  aclEnable: { value: "true", promise: "access control" },
  authenticationEnabled: { value: "true", promise: "authentication" },
  authorizationEnabled: { value: "true", promise: "authorization" },
};

/** Whether `key` is a setting of Apache's that Comet does not use. */
export function isApacheSetting(key: string): boolean {
  return NAMES.has(key);
}

/** The names of Apache's settings that Comet does not use, in the order of the alphabet. */
export function apacheSettingNames(): string[] {
  return [...NAMES].toSorted((a, b) => a.localeCompare(b, "en"));
}

/** The `key=value` entries of settings that it does not use with which Comet will not start. */
export function refusedEntries(): string[] {
  return Object.entries(PROMISES).map(([key, { value }]) => `${key}=${value}`);
}

/** Why Comet will not start with this value of a setting that it does not use, or undefined when it may. */
export function refusedPromise(key: string, value: string): string | undefined {
  const row = PROMISES[key];
  if (row === undefined || value.toLowerCase() !== row.value.toLowerCase()) return undefined;
  return `${key}=${value} asks for ${row.promise}, which Comet does not have yet; remove it to start without`;
}
