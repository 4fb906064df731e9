#!/usr/bin/env bash
# Makes a topic, sends a message and finds it again, with nothing but curl. COMET is the server's HTTP port.
set -euo pipefail
comet=${COMET:-http://127.0.0.1:8080}
topic=${TOPIC:-CurlOrders}

post() { # PATH JSON
  curl -sS --fail-with-body -X POST "$comet/api$1" -H 'content-type: application/json' -d "$2"
  echo
}

post /topics "{\"topic\": \"$topic\", \"readQueueNums\": 4, \"writeQueueNums\": 4}"
post /messages "{\"topic\": \"$topic\", \"tag\": \"paid\", \"keys\": [\"order-1\"], \"body\": \"order 1\"}"
curl -sS --fail-with-body "$comet/api/messages?topic=$topic&key=order-1"
echo
