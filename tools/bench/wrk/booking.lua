-- Bookings of places that are free: every quarter of an hour of every day but the first two of the coming year, each
-- asked for once. BENCH_OFFSET says how many have been asked for before. One thread only.

local load = require "load"
local messages = require "messages"

local DAYS, QUARTERS = 350, 96
local body = messages.booking()

function next_message(n)
  local place = load.offset + n
  local organization = place % load.organizations
  local slot = math.floor(place / load.organizations)
  local day, quarter = slot % DAYS, math.floor(slot / DAYS)
  assert(quarter < QUARTERS, "no place is left")
  local values = messages.values(organization, n)
  values.DATE = os.date("!%Y-%m-%d", load.now + (day + 2) * 86400)
  values.TIME = string.format("%02d:%02d", math.floor(quarter / 4), quarter % 4 * 15)
  values.TOOL = "call_" .. load.nonce .. n
  return body(values), organization
end

load.run()
