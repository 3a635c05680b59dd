export type { Redis } from 'ioredis'
export { coalesceWrites } from './coalesce-writes.ts'
export { type EncodedArguments, encodeArguments, sendEncoded } from './encoded-command.ts'
export {
  RedisAuthenticationError,
  RedisForeignDataError,
  RedisOutcomeUnknownError,
  RedisRefusedError,
  RedisReplyError,
  RedisUnavailableError,
  RedisUnderReplicatedError,
  RedisUrlError,
} from './errors.ts'
export { closeRedis, openRedis, whenReady } from './open-redis.ts'
export { pipelineReplies, redisCall } from './redis-call.ts'
export { defineScript, type RedisScript, type ScriptArgument } from './redis-script.ts'
export { countReplicas, requireReplicas } from './require-replicas.ts'
export { scanKeys } from './scan-keys.ts'
export { type RedisServerState, readServerState } from './server-state.ts'
