--[[
  Notes a pair as active until its data key ends, and forgets those that have ended.
  In Lua because all go by Redis's clock, and because a key of another type would refuse every note.
  KEYS[1] active pairs, scored by the end of their data key in epoch ms
  ARGV[1] pair  ARGV[2] what is left of its data key's life in ms  ARGV[3] longest life of any  ARGV[4] for how long ended ones stay
  Returns 1 when a key of another type had to be removed, otherwise 0
]]
local kind = redis.call('TYPE', KEYS[1]).ok
local foreign = 0
if kind ~= 'zset' and kind ~= 'none' then
  redis.call('UNLINK', KEYS[1])
  foreign = 1
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', now - ARGV[4]))
-- No data key lives for longer: whoever noted that is none of ours, and it would stay for ever.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. string.format('%d', now + ARGV[3]), '+inf')
redis.call('ZADD', KEYS[1], string.format('%d', now + ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3] + ARGV[4])
return foreign
