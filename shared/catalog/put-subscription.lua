--[[
  Writes a subscription with its index entries and gives its topic a new version: all or nothing, so that
  a worker that sees the old version has missed nothing, and no two subscriptions get one endpoint.
  KEYS[1] topic  KEYS[2] subscriptions  KEYS[3] ids  KEYS[4] endpoints  KEYS[5] pending  KEYS[6] deleted
  ARGV[1] incarnation of the topic  ARGV[2] id  ARGV[3] MAC and record  ARGV[4] new version
  ARGV[5] state  ARGV[6] pending since  ARGV[7] name of the endpoint
  ARGV[8] record that it replaces, or empty when there must be none
  ARGV[9] without a record to replace: id that the endpoint must lead to, or empty for none
  Returns 1, or 0 when the topic is gone or another, or an expectation fails
]]
if redis.call('HGET', KEYS[1], 'incarnation') ~= ARGV[1] then
  return 0
end
local stored = redis.call('HGET', KEYS[2], ARGV[2])
if ARGV[8] == '' then
  if stored or (redis.call('HGET', KEYS[4], ARGV[7]) or '') ~= ARGV[9] then
    return 0
  end
-- Without its MAC, which differs where the secret was rotated.
elseif not stored or string.sub(stored, (string.find(stored, ' ', 1, true) or 0) + 1) ~= ARGV[8] then
  return 0
end
-- The record last: where a key is of another type the script ends there, and an index entry without a record is harmless.
redis.call('ZADD', KEYS[3], 0, ARGV[2])
redis.call('HSET', KEYS[4], ARGV[7], ARGV[2])
if ARGV[5] == 'pending' then
  redis.call('ZADD', KEYS[5], ARGV[6], ARGV[2])
else
  redis.call('ZREM', KEYS[5], ARGV[2])
end
redis.call(ARGV[5] == 'deleted' and 'SADD' or 'SREM', KEYS[6], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('HSET', KEYS[1], 'version', ARGV[4])
return 1
