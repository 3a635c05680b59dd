#!lua
--[[
  Appends entries to one stream, in order: all of them or none.
  In Lua because a connection that drops between two XADDs would leave a part of a batch that its
  publisher was told nothing about. A full Redis refuses the script before it does anything; what was
  added is taken back when a later XADD fails, which is only so in a stream filled up to the last id.
  KEYS[1] stream
  ARGV[1] number of arguments that all entries begin with  ARGV[2…] these: field, value, …;
  then for each entry the number of its own arguments, and these: field, value, …
  Returns how many were appended
]]
local common = tonumber(ARGV[1])
local entry = {}
for n = 1, common do
  entry[n] = ARGV[1 + n]
end
local added = {}
local at = common + 2
while at <= #ARGV do
  local own = tonumber(ARGV[at])
  for n = 1, own do
    entry[common + n] = ARGV[at + n]
  end
  local id = redis.pcall('XADD', KEYS[1], '*', unpack(entry, 1, common + own))
  if id.err then
    if #added > 0 then
      redis.call('XDEL', KEYS[1], unpack(added))
    end
    return id
  end
  added[#added + 1] = id
  at = at + own + 1
end
return #added
