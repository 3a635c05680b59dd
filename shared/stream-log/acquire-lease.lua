#!lua flags=allow-oom
--[[
  Takes the lease of a partition when nobody holds it, and makes sure that its group exists.
  In Lua so that no holder ever meets a stream without its group. The group starts at 0: entries
  appended before it existed are delivered too.
  KEYS[1] lease  KEYS[2] stream
  ARGV[1] token  ARGV[2] lease in ms  ARGV[3] group
  Returns the id delivered last, or nil when somebody holds the lease
]]
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return false
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
    return info['last-delivered-id']
  end
end
return redis.error_reply('ERR no group')
