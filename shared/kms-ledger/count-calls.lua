--[[
  Adds KMS requests to the ledger of a topic and month, and keeps when its pairs were issued their first and last key.
  In Lua because each needs a look first: what somebody else wrote must not end the counting, and publishers must
  not be able to let the hash grow without end.
  KEYS[1] ledger
  ARGV[1] life in seconds from now on  ARGV[2] most fields
  ARGV[3], [4], [5] and so on: `add`, field, requests more; or `issued`, field, epoch ms
  Returns how many requests found no room, and 1 when anything was not as one of us leaves it.
]]
local foreign = 0
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then
  redis.call('UNLINK', KEYS[1])
  foreign = 1
end
local unroomed = 0
local size = redis.call('HLEN', KEYS[1])
for at = 3, #ARGV, 3 do
  local field, value = ARGV[at + 1], ARGV[at + 2]
  local known = redis.call('HGET', KEYS[1], field)
  local fits = known or size < tonumber(ARGV[2])
  if not known and fits then
    size = size + 1
  end
  if not fits then
    if ARGV[at] == 'add' then
      unroomed = unroomed + tonumber(value)
    end
  elseif ARGV[at] == 'add' then
    local added = redis.pcall('HINCRBY', KEYS[1], field, value)
    if type(added) == 'table' and added.err then
      redis.call('HSET', KEYS[1], field, value)
      foreign = 1
    end
  else
    -- `<first> <last>`: gateways' clocks differ, and a late count of one must not take the last back.
    local first, last = string.match(known or '', '^(%d+) (%d+)$')
    if known and not first then
      foreign = 1
    end
    local issuedAt = tonumber(value)
    local from = string.format('%.0f', math.min(tonumber(first or issuedAt), issuedAt))
    local to = string.format('%.0f', math.max(tonumber(last or issuedAt), issuedAt))
    redis.call('HSET', KEYS[1], field, from .. ' ' .. to)
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return { unroomed, foreign }
