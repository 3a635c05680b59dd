#!lua flags=allow-oom
--[[
  Writes the body record of a message and opens subscriptions on it. Done again, it changes nothing but
  reopening those that were settled in between.
  In Lua because the count of open subscriptions must agree with the fields, and the fence needs it.
  KEYS[1] lease  KEYS[2] body record
  ARGV[1] token  ARGV[2] number of subscriptions  ARGV[3…] subscription ids, then field, value, …
  Returns how many subscriptions were opened; nil when the lease is lost
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
local opened = 0
local last = 2 + tonumber(ARGV[2])
for at = 3, last do
  opened = opened + redis.call('HSETNX', KEYS[2], 's:' .. ARGV[at], '1')
end
for at = last + 1, #ARGV, 2 do
  redis.call('HSET', KEYS[2], 'e:' .. ARGV[at], ARGV[at + 1])
end
redis.call('HINCRBY', KEYS[2], 'open', opened)
return opened
