#!lua flags=allow-oom
--[[
  Gives entries once more that were delivered and not settled, in stream order.
  An entry that is pending but no longer in the stream (deleted by hand) has nothing left to deliver:
  it is acknowledged here. A page of such entries alone is skipped, so that an empty answer always
  means the end.
  KEYS[1] lease  KEYS[2] stream
  ARGV[1] token  ARGV[2] group  ARGV[3] consumer  ARGV[4] limit  ARGV[5] id after which to begin
  ARGV[6] longest entry in bytes
  Returns entries, packed; nil when the lease is lost
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
    if bytes > tonumber(ARGV[6]) then
      entry[2] = {}
    end
  end
  return cmsgpack.pack(entries)
end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
local after = ARGV[5]
local found = {}
repeat
  local reply = redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', ARGV[4], 'STREAMS', KEYS[2], after)
  local page = reply and reply[1][2] or {}
  for _, entry in ipairs(page) do
    after = entry[1]
    if entry[2] then
      found[#found + 1] = entry
    else
      redis.call('XACK', KEYS[2], ARGV[2], entry[1])
    end
  end
until #found > 0 or #page == 0
return packEntries(found)
