#!lua flags=no-writes
--[[
  Reads who is alive, by Redis's clock.
  KEYS[1] members of the role, scored by the end of their announcement in epoch ms
  ARGV[1] longest life of an announcement in ms  ARGV[2] limit
  Returns ids; none when the key is of another type
]]
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then
  return {}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local longest = string.format('%d', now + ARGV[1])
return redis.call('ZREVRANGEBYSCORE', KEYS[1], longest, '(' .. string.format('%d', now), 'LIMIT', 0, ARGV[2])
