--[[
  Removes a subscription and gives its topic a new version: both or neither.
  KEYS[1] topic  KEYS[2] subscriptions
  ARGV[1] id  ARGV[2] new version
  Returns 1, or 0 when there was none
]]
if redis.call('HDEL', KEYS[2], ARGV[1]) == 0 then
  return 0
end
-- Never on a topic that is gone: the field alone would be taken for a topic with a forged record.
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'version', ARGV[2])
end
return 1
