--[[
  Removes a subscription that is still as it was read, with its index entries, and gives its topic a new
  version: all or nothing.
  KEYS[1] topic  KEYS[2] subscriptions  KEYS[3] ids  KEYS[4] endpoints  KEYS[5] pending  KEYS[6] deleted
  ARGV[1] id  ARGV[2] record  ARGV[3] name of the endpoint  ARGV[4] new version
  Returns 1, or 0 when there is none or another record
]]
local stored = redis.call('HGET', KEYS[2], ARGV[1])
-- Without its MAC, which differs where the secret was rotated.
if not stored or string.sub(stored, (string.find(stored, ' ', 1, true) or 0) + 1) ~= ARGV[2] then
  return 0
end
-- The record last: where an index is of another type the script ends there, and nothing is half removed.
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
redis.call('SREM', KEYS[6], ARGV[1])
if redis.call('HGET', KEYS[4], ARGV[3]) == ARGV[1] then
  redis.call('HDEL', KEYS[4], ARGV[3])
end
redis.call('HDEL', KEYS[2], ARGV[1])
-- Never on a topic that is gone: the field alone would be taken for a topic with a forged record.
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'version', ARGV[4])
end
return 1
