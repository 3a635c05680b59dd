--[[
  Creates a topic, or gives the one that exists, untouched.
  In Lua because of two creators at once exactly one must have created it.
  KEYS[1] topic  KEYS[2] subscriptions  KEYS[3..6] their indexes
  ARGV[1] record  ARGV[2] MAC  ARGV[3] incarnation  ARGV[4] version
  Returns nil when created, else {record, MAC} of the existing topic
]]
if redis.call('EXISTS', KEYS[1]) == 1 then
  return redis.call('HMGET', KEYS[1], 'record', 'mac')
end
redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6])
redis.call('HSET', KEYS[1], 'record', ARGV[1], 'mac', ARGV[2], 'incarnation', ARGV[3], 'version', ARGV[4])
return false
