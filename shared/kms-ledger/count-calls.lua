--[[
  Adds KMS requests to the ledger of a topic and month, and keeps when its pairs were issued their first and last key.
  In Lua because each needs a look first: what somebody else wrote must not end the counting, and publishers must
  not be able to let the hash grow without end. A count tells its hours for some days and is then added up to days.
  KEYS[1] ledger
  ARGV[1] life in seconds from now on  ARGV[2] most fields  ARGV[3] days before a count's own whose hours are kept
  ARGV[4], [5], [6], [7] and so on: `add`, field, hour as `<dd>T<hh>`, requests more; or `issued`, field, '', epoch ms
  Returns how many requests found no room, and 1 when anything was not as one of us leaves it.
]]
-- A month has 31 days and 744 hours, each with its count.
local MAX_TEXT = 16384

local foreign = 0
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then
  redis.call('UNLINK', KEYS[1])
  foreign = 1
end

-- Returns `<dd>` or `<dd>T<hh>` and the requests in it; nothing of a text that count-text.ts would not take of any month.
local function partOf(text)
  local day, hour, count = string.match(text, '^(%d%d)(T?%d*)=(%d+)$')
  if not day or tonumber(day) < 1 or tonumber(day) > 31 or #count > 15 or tonumber(count) == 0 then
    return nil
  end
  if hour ~= '' and not (string.match(hour, '^T%d%d$') and tonumber(string.sub(hour, 2)) < 24) then
    return nil
  end
  return day .. hour, count
end

-- Returns the text of a count with `more` in an hour; what does not read as a count begins anew.
local function counted(text, hour, more)
  local oldest = tonumber(string.sub(hour, 1, 2)) - tonumber(ARGV[3])
  local names, counts, places = {}, {}, {}
  local function put(name, count)
    local day = string.match(name, '^(%d%d)T')
    if day and tonumber(day) < oldest then
      name = day
    end
    if not places[name] then
      places[name] = #names + 1
      names[places[name]] = name
      counts[places[name]] = 0
    end
    counts[places[name]] = counts[places[name]] + tonumber(count)
  end
  local isOurs = #text <= MAX_TEXT
  -- Each part with the blank before it, so that two blanks are a part that is none.
  for part in string.gmatch(isOurs and text ~= '' and ' ' .. text or '', ' ([^ ]*)') do
    local name, count = partOf(part)
    if not name then
      isOurs = false
      break
    end
    put(name, count)
  end
  if not isOurs then
    foreign = 1
    names, counts, places = {}, {}, {}
  end
  put(hour, more)
  local parts = {}
  for place = 1, #names do
    parts[place] = names[place] .. '=' .. string.format('%.0f', counts[place])
  end
  return table.concat(parts, ' ')
end

-- `<first> <last>`: gateways' clocks differ, and a late count of one must not take the last back.
local function issued(text, at)
  local first, last = string.match(text, '^(%d+) (%d+)$')
  if text ~= '' and not first then
    foreign = 1
  end
  local from = math.min(tonumber(first or at), at)
  local to = math.max(tonumber(last or at), at)
  return string.format('%.0f %.0f', from, to)
end

local unroomed = 0
local size = redis.call('HLEN', KEYS[1])
for at = 4, #ARGV, 4 do
  local field, hour, value = ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  local known = redis.call('HGET', KEYS[1], field)
  if known or size < tonumber(ARGV[2]) then
    local isCount = ARGV[at] == 'add'
    redis.call('HSET', KEYS[1], field, isCount and counted(known or '', hour, value) or issued(known or '', value))
    size = known and size or size + 1
  elseif ARGV[at] == 'add' then
    unroomed = unroomed + value
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return { unroomed, foreign }
