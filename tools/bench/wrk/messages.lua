-- The bodies, as the provider writes them, with places for what differs from message to message. They are not
-- random: every run sends messages of the same sizes.

local load = require "load"

local M = {}

local WORDS = {}
for word in ([[the and for you that with this have from they will would there their what about which when make can like
  time just know take people into year your good some could them see other than then now look only come its over think
  also back after use two how our work first well way even new want because any these give day most appointment morning
  afternoon Thursday insurance consultation doctor cleaning whitening reschedule confirm number email address parking
  building office available opening moment please thank certainly perfect wonderful calling waiting reminder question
  invoice payment schedule emergency toothache molar crown filling hygienist reception Monday Wednesday twenty fifteen
  o'clock quarter half past]]):gmatch("%S+") do
  WORDS[#WORDS + 1] = word
end

-- Sentences of plain words, always the same for the same seed.
local function prose(seed, length)
  local words, size = {}, 0
  while size < length do
    seed = (seed * 1103515245 + 12345) % 2147483648
    local word = WORDS[math.floor(seed / 65536) % #WORDS + 1]
    words[#words + 1] = word
    size = size + #word + 1
  end
  return table.concat(words, " "):sub(1, length)
end

local CALL = [["call":{"id":"@CALL@","orgId":"6a3f1c52-9b7e-4f7e-8f2a-3a1f0e5d9c11","createdAt":"2026-11-20T09:00:00.000Z",]] ..
  [["updatedAt":"2026-11-20T09:00:05.000Z","type":"inboundPhoneCall","status":"queued","phoneCallProvider":"vapi",]] ..
  [["phoneCallTransport":"pstn","assistantId":@ASSISTANT@,"phoneNumberId":"@PHONE_ID@","startedAt":null,]] ..
  [["monitor":{"listenUrl":"wss://phone-call-websocket.aws-us-west-2-backend-production1.vapi.ai/@CALL@/listen",]] ..
  [["controlUrl":"https://phone-call-websocket.aws-us-west-2-backend-production1.vapi.ai/@CALL@/control"},]] ..
  [["customer":{"number":"@CUSTOMER@","name":"Ada Lovelace"},"assistantOverrides":{"variableValues":{"plan":"gold"}}},]]

local NUMBER = [["phoneNumber":{"id":"@PHONE_ID@","number":"@PHONE@","provider":"vapi","name":"Front desk"},]] ..
  [["customer":{"number":"@CUSTOMER@","name":"Ada Lovelace"},]]

local ASSISTANT = [["assistant":{"name":"Sarah","firstMessage":"Hello, this is Sarah. How can I help you today?",]] ..
  [["model":{"provider":"openai","model":"gpt-4o","temperature":0.3,"messages":[{"role":"system","content":"@PROSE@"}]},]] ..
  [["voice":{"provider":"11labs","voiceId":"sarah"},"transcriber":{"provider":"deepgram","model":"nova-2"},]] ..
  [["server":{"url":"https://gateway.example/api/webhooks/vapi","secret":"never to be stored"}},]]

local function message(head, tail, prose_length, with_assistant)
  local text = '{"message":{"timestamp":@AT@,' .. head .. CALL .. (with_assistant and ASSISTANT or "") .. NUMBER .. tail .. "}}"
  return (text:gsub("@PROSE@", prose(7, prose_length or 0)))
end

-- Organizations that were added with an assistant and without a number; an empty identifier is none.
local assistant_only = os.getenv("BENCH_ASSISTANT_ONLY") ~= nil

-- The call in every body. `assistant` is false where the provider does not know one yet.
function M.values(organization, n)
  return {
    AT = string.format("%d000", load.now),
    CALL = load.call(n),
    ASSISTANT = '"' .. load.assistant(organization) .. '"',
    PHONE_ID = assistant_only and "" or load.phone_number_id(organization),
    PHONE = assistant_only and "" or load.phone_number(organization),
    -- Callers come back: five thousand of them for every organization.
    CUSTOMER = string.format("+1666%03d%04d", organization % 1000, n % 5000),
  }
end

-- 2 KB about the state of a call: @STATUS@.
function M.status_update()
  return load.template(message([["type":"status-update","status":"@STATUS@",]], [["endedReason":@REASON@]], 636, true))
end

-- 2 KB that is verified and answered without being kept.
function M.voice_request()
  return load.template(message([["type":"voice-request","text":"Hello, how can I help?","sampleRate":24000,]],
    [["final":true]], 636, true))
end

-- A call for which the number's assistant is asked.
function M.assistant_request()
  local text = message([["type":"assistant-request",]], [["assistantVersion":null]], 0, false)
  return load.template((text:gsub("@ASSISTANT@", "null")))
end

-- One booking: @DATE@, @TIME@ and @TOOL@, the id of the tool call.
function M.booking()
  local call = [[{"id":"@TOOL@","type":"function","function":{"name":"bookAppointment","arguments":{]] ..
    [["appointmentDate":"@DATE@","appointmentTime":"@TIME@","patientName":"Ada Lovelace","patientPhone":"@CUSTOMER@",]] ..
    [["serviceType":"check-up","duration":15}}}]]
  local definition = [[{"type":"function","function":{"name":"bookAppointment","description":"Books an appointment.",]] ..
    [["parameters":{"type":"object","properties":{}}},"toolCall":]] .. call .. "}"
  local lists = '"toolCallList":[' .. call .. '],"toolWithToolCallList":[' .. definition .. "]"
  return load.template(message([["type":"tool-calls",]], lists, 200, true))
end

-- About 100 KB at the end of a call: the conversation three times over, as the provider sends it, with costs and
-- analysis.
function M.report()
  local turns, messages, formatted, seed = {}, {}, {}, 11
  for turn = 1, 130 do
    local text = prose(seed + turn * 7919, 190)
    local role = turn % 2 == 0 and "user" or "bot"
    turns[turn] = (role == "user" and "User: " or "AI: ") .. text
    messages[turn] = string.format(
      '{"role":"%s","message":"%s","time":17637%08d,"endTime":17637%08d,"secondsFromStart":%.3f,"duration":%d}', role, text,
      turn * 4100, turn * 4100 + 3200, turn * 4.1, 3200)
    formatted[turn] = string.format('{"role":"%s","content":"%s"}', role == "user" and "user" or "assistant", text)
  end
  local costs = [["cost":0.4213,"costBreakdown":{"transport":0.01,"stt":0.05,"llm":0.2,"tts":0.11,"vapi":0.05,"total":0.4213},]] ..
    [["costs":[{"type":"transcriber","transcriber":{"provider":"deepgram","model":"nova-2"},"minutes":8.9,"cost":0.05},]] ..
    [[{"type":"model","model":{"provider":"openai","model":"gpt-4o"},"promptTokens":31234,"completionTokens":2102,"cost":0.2}],]]
  local analysis = [["analysis":{"summary":"]] .. prose(3, 600) .. [[","structuredData":{"booked":true,"service":"cleaning"},]] ..
    [["successEvaluation":"true"},]]
  local recording = [["recordingUrl":"https://storage.vapi.ai/@CALL@-mono.wav",]] ..
    [["stereoRecordingUrl":"https://storage.vapi.ai/@CALL@-stereo.wav",]]
  local artifact = [["artifact":{]] .. recording .. [["transcript":"]] .. table.concat(turns, "\\n") .. [[","messages":[]] ..
    table.concat(messages, ",") .. [[],"messagesOpenAIFormatted":[]] .. table.concat(formatted, ",") .. "]}"
  local head = [["type":"end-of-call-report","endedReason":"customer-ended-call","startedAt":"2026-11-20T09:00:06.000Z",]] ..
    [["endedAt":"2026-11-20T09:09:00.000Z","durationSeconds":534.2,]] .. costs .. analysis
  return load.template(message(head, artifact, 1800, true))
end

return M
