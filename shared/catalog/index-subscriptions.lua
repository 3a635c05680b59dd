--[[
  Writes the index entries of subscriptions that are still as they were read. Changes no record, so that
  the topic keeps its version.
  KEYS[1] topic  KEYS[2] subscriptions  KEYS[3] ids  KEYS[4] endpoints  KEYS[5] pending  KEYS[6] deleted
  ARGV for each subscription: id, record, name of the endpoint, state, pending since
  Returns nothing
]]
for at = 1, #ARGV, 5 do
  local id = ARGV[at]
  local stored = redis.call('HGET', KEYS[2], id)
  if stored and string.sub(stored, (string.find(stored, ' ', 1, true) or 0) + 1) == ARGV[at + 1] then
    redis.call('ZADD', KEYS[3], 0, id)
    redis.call('HSET', KEYS[4], ARGV[at + 2], id)
    if ARGV[at + 3] == 'pending' then
      redis.call('ZADD', KEYS[5], ARGV[at + 4], id)
    else
      redis.call('ZREM', KEYS[5], id)
    end
    redis.call(ARGV[at + 3] == 'deleted' and 'SADD' or 'SREM', KEYS[6], id)
  end
end
