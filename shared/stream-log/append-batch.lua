#!lua
--[[
  Appends entries to one stream, in order: all of them or none.
  In Lua because a connection that drops between two XADDs would leave a part of a batch that its
  publisher was told nothing about. A full Redis refuses the script before it does anything; what was
  added is taken back when a later XADD fails, which is only so in a stream filled up to the last id.
  KEYS[1] stream
  ARGV for each entry: number of its arguments, then field, value, …
  Returns how many were appended
]]
local added = {}
local at = 1
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  local id = redis.pcall('XADD', KEYS[1], '*', unpack(ARGV, at + 1, last))
  if id.err then
    if #added > 0 then
      redis.call('XDEL', KEYS[1], unpack(added))
    end
    return id
  end
  added[#added + 1] = id
  at = last + 1
end
return #added
