--[[
  Sends prepared requests, each once, in order.
  Records of the file: length as 4 bytes, little endian, then that many bytes of request. The file is held
  outside the Lua heap; what is made of a record is the string that wrk copies.
  A file for each thread: <prefix>.<thread>, counted from 0.
  args[1] prefix  args[2] `repeat` to begin again at the end; otherwise wrk stops and the run counts for nothing
  Prints one line of JSON.
]]
local ffi = require('ffi')
ffi.cdef [[
  void *fopen(const char *path, const char *mode);
  int fseek(void *file, long offset, int whence);
  long ftell(void *file);
  size_t fread(void *into, size_t size, size_t count, void *file);
  int fclose(void *file);
  void *malloc(size_t size);
]]

local threads = {}

function setup(thread)
  thread:set('number', #threads)
  table.insert(threads, thread)
end

local data, size, at, again

function init(args)
  local path = args[1] .. '.' .. tostring(number)
  again = args[2] == 'repeat'
  local file = ffi.C.fopen(path, 'rb')
  if file == nil then error('cannot open ' .. path) end
  ffi.C.fseek(file, 0, 2)
  size = tonumber(ffi.C.ftell(file))
  ffi.C.fseek(file, 0, 0)
  data = ffi.cast('uint8_t *', ffi.C.malloc(size))
  if tonumber(ffi.C.fread(data, 1, size, file)) ~= size then error('cannot read ' .. path) end
  ffi.C.fclose(file)
  at = 0
  used_up = false
  -- wrk asks the first thread once before the run, to look at the request.
  unsent = number == 0
end

local function record()
  local length = data[at] + 256 * (data[at + 1] + 256 * (data[at + 2] + 256 * data[at + 3]))
  return ffi.string(data + at + 4, length), length
end

function request()
  if unsent then
    unsent = false
    return (record())
  end
  if at >= size then
    if not again then
      used_up = true
      wrk.thread:stop()
    end
    at = 0
  end
  local text, length = record()
  at = at + 4 + length
  return text
end

function done(summary, latency)
  local out_of = false
  for _, thread in ipairs(threads) do
    out_of = out_of or thread:get('used_up')
  end
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"connectErrors":%d,"readErrors":%d,"writeErrors":%d,"timeouts":%d,'
      .. '"statusErrors":%d,"p50Microseconds":%d,"p99Microseconds":%d,"usedUp":%s}\n',
    summary.requests, summary.duration, errors.connect, errors.read, errors.write, errors.timeout, errors.status,
    latency:percentile(50), latency:percentile(99), tostring(out_of)
  ))
end
