#!/usr/bin/env bash
# Tries a running gateway from outside: is the endpoint there, does a signed call arrive, does a booking land, and is a
# forged signature refused. Needs bash, curl and openssl, and nothing else. It is a real call: the appointment of the
# third step is in the organization's calendar afterwards.
#
#   SECRET=… ASSISTANT_ID=… ./examples/test-booking-endpoint.sh [BASE_URL]
#
# SECRET        the organization's webhook secret, used as x-vapi-signature: hex HMAC-SHA256 of `timestamp.body`
# ASSISTANT_ID  an assistant of that organization
# BASE_URL      the gateway, http://127.0.0.1:3001 when left out
#
# Exit code 0: everything is as it should be. 1: something is not. 2: wrong usage.
set -euo pipefail

usage() {
  echo "$1" >&2
  echo "usage: SECRET=... ASSISTANT_ID=... $0 [BASE_URL]" >&2
  exit 2
}

[ $# -le 1 ] || usage "There is one argument at most."
[ -n "${SECRET:-}" ] || usage "SECRET is not set."
[ -n "${ASSISTANT_ID:-}" ] || usage "ASSISTANT_ID is not set."
case $ASSISTANT_ID in
  *[!A-Za-z0-9_.:-]*) usage "ASSISTANT_ID holds something else than letters, digits and _.:-" ;;
esac
for program in curl openssl; do
  command -v "$program" > /dev/null || usage "$program is not installed."
done

base=${1:-http://127.0.0.1:3001}
url="${base%/}/api/webhooks/vapi"
call="call-$(openssl rand -hex 8)"
tool_call="call_$(openssl rand -hex 12)"

fail() {
  echo "    WRONG: $1" >&2
  exit 1
}

# Prints the date that lies some days ahead: date_ahead DAYS FORMAT. GNU's date first, then that of BSD and macOS.
date_ahead() {
  date -d "+$1 days" "+$2" 2> /dev/null || date -v "+$1d" "+$2"
}

# Prints the hex HMAC-SHA256 of standard input. The text in front of it differs between versions of openssl.
hmac() {
  openssl dgst -sha256 -hmac "$1" | sed 's/^.*[ =]//'
}

# Makes a request and keeps its parts: request CURL_ARGUMENT... sets $status and $answer.
request() {
  local output
  output=$(curl -sS --max-time 20 -w '\n%{http_code}' "$@") || fail "no answer from $url"
  status=${output##*$'\n'}
  answer=${output%$'\n'*}
  echo "    $status $answer"
}

# Posts a body, signed with a secret: post SECRET BODY.
post() {
  local timestamp signature
  timestamp=$(date +%s)
  signature=$(printf '%s.%s' "$timestamp" "$2" | hmac "$1")
  request -X POST "$url" -H 'content-type: application/json' \
    -H "x-vapi-signature: $signature" -H "x-vapi-timestamp: $timestamp" --data-binary "$2"
}

expect_status() {
  [ "$status" = "$1" ] || fail "the status is $status, not $1"
}

expect_text() {
  case $answer in
    *"$1"*) ;;
    *) fail "the answer does not hold $1" ;;
  esac
}

echo "1. GET $url: is the endpoint there?"
request "$url"
expect_status 200
expect_text '"success":true'
expect_text 'Vapi webhook endpoint is active'

echo "2. A signed call.started for the assistant $ASSISTANT_ID"
started='{"type":"call.started","call":{"id":"'$call'","assistantId":"'$ASSISTANT_ID'","customer":{"number":"+15550100123"}}}'
post "$SECRET" "$started"
expect_status 200

# A weekday some time in the next weeks, so that a second run rarely wishes for the time of the first.
ahead=$((RANDOM % 28 + 1))
while [ "$(date_ahead "$ahead" %u)" -gt 5 ]; do
  ahead=$((ahead + 1))
done
day=$(date_ahead "$ahead" %Y-%m-%d)
hour=$((RANDOM % 6 + 10))

echo "3. A signed bookAppointment for $day at $hour:00, the organization's local time"
# As `date` has no milliseconds everywhere, the message's time is a whole second.
booking='{"message":{"type":"tool-calls","timestamp":'$(date +%s)'000,"call":{"id":"'$call'","type":"inboundPhoneCall","assistantId":"'$ASSISTANT_ID'"},"customer":{"number":"+15550100123"},"toolCallList":[{"id":"'$tool_call'","type":"function","function":{"name":"bookAppointment","arguments":{"appointmentDate":"'$day'","appointmentTime":"'$hour':00","patientName":"Ada Lovelace","patientPhone":"+15550100123"}}}]}}'
post "$SECRET" "$booking"
expect_status 200
expect_text '"results":['
expect_text '"toolCallId":"'"$tool_call"'"'
expect_text '"result":"'
case $answer in
  *'"error"'*) fail "the tool failed" ;;
esac

echo "4. The same booking, signed with another secret: it has to be refused"
post "forged-$(openssl rand -hex 8)" "$booking"
expect_status 401
expect_text '"code":"unauthorized"'

echo "Everything is as it should be."
