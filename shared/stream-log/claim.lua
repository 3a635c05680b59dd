#!lua flags=allow-oom
--[[
  Takes entries that were never delivered, for the lease holder.
  In Lua, and never by a blocked XREADGROUP: a holder that lost its lease while blocked would swallow
  the next entry into its own hands.
  KEYS[1] lease  KEYS[2] stream
  ARGV[1] token  ARGV[2] group  ARGV[3] consumer  ARGV[4] limit  ARGV[5] longest entry in bytes
  Returns {entries, packed} or, when there is none, {nothing packed, id delivered last}; nil when the lease is lost
]]
--[[
  One string for all: packed-entries.ts says why. Entries far longer than any of ours come without their fields: one
  reply of them could be more than a worker can hold.
]]
local function packEntries(entries)
  for _, entry in ipairs(entries) do
    local parts = entry[2] or {}
    local bytes = 16 * #parts
    for at = 1, #parts do
      bytes = bytes + #parts[at]
    end
    if bytes > tonumber(ARGV[5]) then
      entry[2] = {}
    end
  end
  return cmsgpack.pack(entries)
end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
local reply = redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', ARGV[4], 'STREAMS', KEYS[2], '>')
if reply then
  return {packEntries(reply[1][2])}
end
-- The id tells the holder where to wait from, even when the reply of an earlier claim was lost.
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[2])) do
  local info = {}
  for at = 1, #group, 2 do
    info[group[at]] = group[at + 1]
  end
  if info['name'] == ARGV[2] then
    return {packEntries({}), info['last-delivered-id']}
  end
end
return redis.error_reply('ERR no group')
