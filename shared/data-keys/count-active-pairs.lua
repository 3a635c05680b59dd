#!lua flags=no-writes
--[[
  Counts the pairs whose data key has not ended, or has just ended, by Redis's clock.
  KEYS[1] active pairs, scored by the end of their data key in epoch ms
  ARGV[1] how long ago a data key may have ended, in ms  ARGV[2] longest life of any in ms
  Returns how many; 0 when the key is of another type
]]
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZCOUNT', KEYS[1], '(' .. string.format('%d', now - ARGV[1]), string.format('%d', now + ARGV[2]))
