--[[
  Fixes schema version and number of partitions at the first start ever and returns what is in force.
  In Lua because two processes starting together with different settings must agree on one.
  KEYS[1] meta hash
  ARGV[1] schema version  ARGV[2] number of partitions  ARGV[3] MAC over both
  Returns {schema version, number of partitions, MAC} as stored
]]
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'schemaVersion', ARGV[1], 'partitions', ARGV[2], 'mac', ARGV[3])
end
return redis.call('HMGET', KEYS[1], 'schemaVersion', 'partitions', 'mac')
