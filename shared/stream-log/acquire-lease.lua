#!lua flags=allow-oom
--[[
  Takes the lease of a partition when nobody holds it, and makes sure that its group exists.
  In Lua so that no holder ever meets a stream without its group. The group starts at 0: entries
  appended before it existed are delivered too.
  A lease that never runs out, or not for longer than any lease lasts, was taken by nobody of ours:
  waiting for its end would stop the partition for ever, so it is taken over.
  KEYS[1] lease  KEYS[2] stream
  ARGV[1] token  ARGV[2] lease in ms  ARGV[3] group  ARGV[4] longest lease in ms
  Returns {id delivered last, 1 when the lease was taken over from nobody of ours}; nil when somebody holds it
]]
local foreign = 0
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  local life = redis.call('PTTL', KEYS[1])
  if life >= 0 and life <= tonumber(ARGV[4]) then
    return false
  end
  redis.call('UNLINK', KEYS[1])
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  foreign = 1
end
local created = redis.pcall('XGROUP', 'CREATE', KEYS[2], ARGV[3], '0', 'MKSTREAM')
if created.err and not string.find(created.err, 'BUSYGROUP', 1, true) then
  redis.call('DEL', KEYS[1])
  return redis.error_reply(created.err)
end
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[2])) do
  local info = {}
  for at = 1, #group, 2 do
    info[group[at]] = group[at + 1]
  end
  if info['name'] == ARGV[3] then
    return {info['last-delivered-id'], foreign}
  end
end
return redis.error_reply('ERR no group')
