-- Sends the requests of a file in turn, one per line: path, tab, cookie. Counts every response that is not as expected:
-- wrk --script wrk.lua <url> -- <file of requests> <expected body>…
local requests = {}
local expected = {}
local last = 0
local threads = {}

wrong = 0

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  for line in io.lines(args[1]) do
    local path, cookie = line:match('^([^\t]*)\t(.*)$')
    local headers = { ['Host'] = wrk.headers['Host'], ['X-Forwarded-Proto'] = 'https' }
    if cookie ~= '' then headers['Cookie'] = cookie end
    table.insert(requests, wrk.format('GET', path, headers))
  end
  for i = 2, #args do expected[args[i]] = true end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function response(status, headers, body)
  if status ~= 200 or not expected[body] then wrong = wrong + 1 end
end

function done(summary, latency, all)
  local wrongs = 0
  for _, thread in ipairs(threads) do wrongs = wrongs + thread:get('wrong') end
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"micros":%d,"p50Micros":%d,"p99Micros":%d,"wrong":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), wrongs,
    errors.connect + errors.read + errors.write + errors.timeout
  ))
end
