#!lua flags=allow-oom
--[[
  Announces a member and reads who is alive.
  In Lua because both go by Redis's clock. A full Redis does not refuse it: a pool that fell apart would empty nothing.
  KEYS[1] members of the role, scored by the end of their announcement in epoch ms
  ARGV[1] id  ARGV[2] life of the announcement in ms  ARGV[3] longest life of any  ARGV[4] limit
  Returns {ids, 1 when a key of another type had to be removed}
]]
local kind = redis.call('TYPE', KEYS[1]).ok
local foreign = 0
if kind ~= 'zset' and kind ~= 'none' then
  redis.call('UNLINK', KEYS[1])
  foreign = 1
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
-- Announced for longer than anybody of ours does: it would be believed for ever.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. string.format('%d', now + ARGV[3]), '+inf')
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {redis.call('ZREVRANGE', KEYS[1], 0, ARGV[4] - 1), foreign}
