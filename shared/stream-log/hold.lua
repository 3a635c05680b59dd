#!lua flags=allow-oom
--[[
  Moves entries from the partition stream to the held stream of the KMS key they wait for: appended there,
  acknowledged and deleted here, or neither. An entry that is gone already is not held: done again, this changes nothing.
  In Lua because a crash between XADD and XACK would deliver an entry twice, and one the other way round would lose it.
  The fields are copied inside Redis as they lie there, sealed: nothing of a body passes through the worker again.
  KEYS[1] lease  KEYS[2] stream  KEYS[3] held stream  KEYS[4] set of held keys
  ARGV[1] token  ARGV[2] group  ARGV[3] key ARN  ARGV[4…] entry ids, in order
  Returns {how many are held by now, 1 when something foreign was in the way and is gone now}; nil when the lease is lost
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
--[[ A key of another type was left by nobody of ours. A held stream is never taken away: it may hold what was accepted. ]]
local foreign = 0
local function clear(key, type)
  local found = redis.call('TYPE', key).ok
  if found ~= type and found ~= 'none' then
    redis.call('UNLINK', key)
    foreign = 1
  end
end
clear(KEYS[3], 'stream')
clear(KEYS[4], 'set')
for at = 4, #ARGV do
  local entry = redis.call('XRANGE', KEYS[2], ARGV[at], ARGV[at])[1]
  if entry then
    redis.call('XADD', KEYS[3], '*', unpack(entry[2], 1, math.min(#entry[2], 4000)))
  end
  redis.call('XACK', KEYS[2], ARGV[2], ARGV[at])
  redis.call('XDEL', KEYS[2], ARGV[at])
end
local held = redis.call('XLEN', KEYS[3])
if held > 0 then
  redis.call('SADD', KEYS[4], ARGV[3])
end
return {held, foreign}
