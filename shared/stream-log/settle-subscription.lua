#!lua flags=allow-oom
--[[
  Closes one subscription on a body record and deletes the record with the last one.
  In Lua so that a record neither outlives its last subscription nor loses one that is being opened.
  KEYS[1] lease  KEYS[2] body record
  ARGV[1] token  ARGV[2] subscription id
  Returns how many are left open; nil when the lease is lost
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
if redis.call('HDEL', KEYS[2], 's:' .. ARGV[2]) == 0 then
  return tonumber(redis.call('HGET', KEYS[2], 'open') or 0)
end
local left = redis.call('HINCRBY', KEYS[2], 'open', -1)
if left <= 0 then
  redis.call('DEL', KEYS[2])
end
return left
