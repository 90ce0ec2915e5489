'use strict'
// The loop of every JavaScript client: asks in on standard input, answers and events out on standard output, one JSON
// object a line. `asked_client.py` says which asks there are and what each answers.

const readline = require('node:readline')

function say (event, fields) {
  process.stdout.write(JSON.stringify({ event, ...fields }) + '\n')
}

// A client is an object with one async method for each ask. `codeOf` finds Kafka's error code in what it throws.
async function serve (client, codeOf) {
  say('ready')
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { do: ask, ...given } = JSON.parse(line)
    try {
      say(ask, await client[ask](given))
    } catch (error) {
      say('failed', { ask, code: codeOf(error), why: String(error.stack ?? error) })
    }
  }
  process.exit(0)
}

// The acknowledgement of each record, in the order of sending, from the first offset that each partition gave.
function acks (records, bases) {
  const next = new Map(bases)
  return records.map(({ partition }) => {
    const offset = next.get(partition)
    next.set(partition, offset + 1)
    return { partition, offset }
  })
}

module.exports = { acks, say, serve }
