-- Common to every load: who is asked, how a request is put together and signed, what is reported at the end.
--
-- A script defines `next_message(n)`, which returns a body and the number of the organization that it is for, and calls
-- `load.run()`. `n` counts the messages of this thread from 0.

local signing = require "signing"

local M = {}

local function setting(name, default)
  return os.getenv("BENCH_" .. name) or default or error("BENCH_" .. name .. " is not set")
end

M.organizations = tonumber(setting("ORGANIZATIONS"))
M.first = tonumber(setting("FIRST", "0"))
M.offset = tonumber(setting("OFFSET", "0"))
M.nonce = setting("NONCE")
local shared_secret = os.getenv("BENCH_SHARED_SECRET")
local rate = tonumber(setting("RATE", "0"))
local inspects = os.getenv("BENCH_INSPECT") ~= nil

-- The names that `tools/bench/src/fixture.rs` gives to the organization of a number.
function M.assistant(number) return string.format("%08x-0000-4000-8000-0000000000a5", number) end
function M.phone_number_id(number) return string.format("%08x-0000-4000-8000-0000000000f0", number) end
function M.phone_number(number) return string.format("+1555%07d", number) end
local function secret(number) return shared_secret or string.format("bench: the secret of organization %d", number) end

-- The call `n` of this thread: 16 of its digits name the run and the thread.
function M.call(n) return string.format("%s-%04x-4000-8000-%012x", M.nonce, M.thread, n) end

-- A JSON text with places such as @CALL@, as a function that fills them.
function M.template(text)
  local pieces, places, at = {}, {}, 1
  while true do
    local from, to, name = text:find("@([%u_]+)@", at)
    pieces[#pieces + 1] = text:sub(at, (from or 0) - 1)
    if not from then break end
    pieces[#pieces + 1] = ""
    places[#places + 1] = { index = #pieces, name = name }
    at = to + 1
  end
  return function(values)
    for _, place in ipairs(places) do pieces[place.index] = values[place.name] or error(place.name) end
    return table.concat(pieces)
  end
end

-- Seconds since 1970, of this thread's start: the provider's window is five minutes, a round is far shorter.
M.now = os.time()

local function post(body, number)
  local at = tostring(M.now)
  return table.concat {
    "POST /api/webhooks/vapi HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ", #body,
    "\r\nx-vapi-timestamp: ", at, "\r\nx-vapi-signature: ", signing.sign(secret(number), at .. ".", body),
    "\r\n\r\n", body }
end

local ffi = require "ffi"
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } bench_time;
  int clock_gettime(int clock, bench_time *at);
]]
local clock = ffi.new("bench_time")
local function milliseconds()
  ffi.C.clock_gettime(1, clock)
  return tonumber(clock.seconds) * 1000 + tonumber(clock.nanoseconds) / 1e6
end

-- Numbers the threads, so that no two send the same call.
local threads = {}
local function setup(thread)
  thread:set("bench_thread", #threads)
  threads[#threads + 1] = thread
end

local function done(summary, latency)
  local statuses, sample = {}, ""
  for _, thread in ipairs(threads) do
    for status, count in (thread:get("bench_statuses") or ""):gmatch("(%d+)=(%d+);") do
      statuses[status] = (statuses[status] or 0) + tonumber(count)
    end
    if sample == "" then sample = thread:get("bench_sample") or "" end
  end
  local counted = {}
  for status, count in pairs(statuses) do counted[#counted + 1] = string.format('"%s":%d', status, count) end
  local errors = summary.errors
  -- wrk's own text goes to the same stream, in C's buffer, which is flushed later.
  io.write(string.format(
    '\nBENCH {"requests":%d,"duration_us":%d,"p50_us":%.1f,"p99_us":%.1f,"max_us":%.1f,"over_399":%d,"broken":%d,' ..
    '"statuses":{%s},"sample":"%s"}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, table.concat(counted, ","),
    (sample:sub(1, 400):gsub('[%c"\\]', { ['"'] = '\\"', ["\\"] = "\\\\" }))))
  io.flush()
end

-- Makes the functions that wrk calls.
function M.run()
  local n = -1
  _G.setup, _G.done = setup, done
  _G.init = function() M.thread = bench_thread end
  _G.request = function()
    n = n + 1
    return post(next_message(n))
  end
  if rate > 0 then
    -- A plan of evenly spaced times, of which every connection that is free takes the next.
    local planned
    _G.delay = function()
      local now = milliseconds()
      planned = math.max((planned or now) + 1000 / rate, now)
      return math.floor(planned - now + 0.5)
    end
  end
  if inspects then
    local counts = {}
    bench_statuses, bench_sample = "", nil
    _G.response = function(status, _, body)
      counts[status] = (counts[status] or 0) + 1
      bench_sample = bench_sample or body
      local text = {}
      for code, count in pairs(counts) do text[#text + 1] = code .. "=" .. count .. ";" end
      bench_statuses = table.concat(text)
    end
  end
end

return M
