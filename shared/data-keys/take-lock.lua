--[[
  Takes the lock of a pair when nobody holds it.
  In Lua because a lock that cannot run out was made by nobody of ours: waiting for it would end all
  publishing of the pair, and between a look at it and its removal a genuine one may take its place.
  KEYS[1] lock
  ARGV[1] token  ARGV[2] life in ms
  Returns 1 when taken, 2 when it was taken from nobody of ours, 0 while another gateway holds it
]]
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return 1
end
local life = redis.call('PTTL', KEYS[1])
if life >= 0 and life <= tonumber(ARGV[2]) then
  return 0
end
redis.call('UNLINK', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 2
