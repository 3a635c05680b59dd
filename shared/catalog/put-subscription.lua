--[[
  Writes a subscription and gives its topic a new version: both or neither, so that a worker that sees
  the old version has missed nothing.
  KEYS[1] topic  KEYS[2] subscriptions
  ARGV[1] incarnation of the topic  ARGV[2] id  ARGV[3] MAC and record  ARGV[4] new version
  ARGV[5] 0 when it must be absent, 1 when it must be present  ARGV[6] version expected, or empty for any
  Returns 1, or 0 when the topic is gone or another, or the expectation fails
]]
local topic = redis.call('HMGET', KEYS[1], 'incarnation', 'version')
if topic[1] ~= ARGV[1] or (ARGV[6] ~= '' and topic[2] ~= ARGV[6]) then
  return 0
end
if redis.call('HEXISTS', KEYS[2], ARGV[2]) ~= tonumber(ARGV[5]) then
  return 0
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('HSET', KEYS[1], 'version', ARGV[4])
return 1
