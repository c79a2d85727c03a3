-- 2 KB messages that are verified and answered, and leave nothing behind. With BENCH_PICK=random the organization is
-- drawn anew for every message; with BENCH_PICK=sweep a single thread asks for all of them in turn, to warm a cache.

local load = require "load"
local messages = require "messages"

local pick = os.getenv("BENCH_PICK") or "turns"
local body = messages.voice_request()
local seeded = false

local function organization(n)
  if pick == "turns" then return n % load.organizations end
  if pick == "sweep" then return (load.offset + n) % load.organizations end
  if not seeded then
    math.randomseed(tonumber(load.nonce, 16) + load.thread)
    seeded = true
  end
  return math.random(0, load.organizations - 1)
end

function next_message(n)
  local number = organization(n)
  return body(messages.values(number, n)), number
end

load.run()
