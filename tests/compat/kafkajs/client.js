'use strict'
// kafkajs. Started with the broker's address and the folder that holds the packages.

const path = require('node:path')
const { randomUUID } = require('node:crypto')
const { acks, say, serve } = require('../driver/ask_loop.js')

const [bootstrap, home] = process.argv.slice(2)
const load = (name) => require(require.resolve(name, { paths: [path.join(home, 'node_modules')] }))
const kafkajs = load('kafkajs')
const { CompressionTypes, CompressionCodecs, Kafka, logLevel } = kafkajs
const lz4 = load('lz4js')
const zstd = load('@mongodb-js/zstd')

// kafkajs compresses with gzip by itself; a user brings the other codecs.
CompressionCodecs[CompressionTypes.Snappy] = load('kafkajs-snappy')
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async (encoder) => Buffer.from(lz4.compress(encoder.buffer)),
  decompress: async (buffer) => Buffer.from(lz4.decompress(buffer))
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder) => zstd.compress(encoder.buffer),
  decompress: async (buffer) => zstd.decompress(buffer)
})
const CODECS = { gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy, lz4: CompressionTypes.LZ4, zstd: CompressionTypes.ZSTD }
const TOPIC = 2 // the type of a resource whose configuration is asked for
const TOPIC_ALREADY_EXISTS = 36
// Members outlive a broker that takes its time to start; 1.x ends them when its tries are used up.
const PATIENT = { initialRetryTime: 100, retries: 15, maxRetryTime: 1000 }
const LARGE = 16 * 1024 * 1024

class Client {
  constructor () {
    const settings = { clientId: 'kafkajs', brokers: [bootstrap], logLevel: logLevel.ERROR }
    this.kafka = new Kafka({ ...settings, retry: { retries: 3 } })
    this.patient = new Kafka({ ...settings, retry: PATIENT })
    this.admin = this.kafka.admin()
    this.producers = new Map()
    this.members = new Map()
    this.transactional = null // the producer of transactions, with its id
    this.transaction = null
  }

  async topics () {
    return { topics: await this.admin.listTopics() }
  }

  async create_topic ({ topic, partitions, configs }) {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const made = await this.admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }] })
    // It says so with its answer, not with an error.
    if (!made) throw Object.assign(new Error('the topic is there already'), { code: TOPIC_ALREADY_EXISTS })
  }

  async delete_topic ({ topic }) {
    await this.admin.deleteTopics({ topics: [topic] })
  }

  async add_partitions ({ topic, total }) {
    await this.admin.createPartitions({ topicPartitions: [{ topic, count: total }] })
  }

  async produce ({ topic, records, compression, idempotent }) {
    const producer = await this.producer(idempotent)
    const messages = records.map(({ partition, key, value, headers, timestamp }) => ({
      partition, key, value, headers: Object.fromEntries(headers), timestamp: timestamp === null ? undefined : String(timestamp)
    }))
    const sent = await producer.send({ topic, messages, acks: -1, compression: CODECS[compression] })
    return { acks: acks(records, sent.map(({ partition, baseOffset }) => [partition, Number(baseOffset)])) }
  }

  async producer (idempotent) {
    if (!this.producers.has(idempotent)) {
      const producer = this.kafka.producer({ idempotent, maxInFlightRequests: idempotent ? 1 : undefined, allowAutoTopicCreation: false })
      await producer.connect()
      this.producers.set(idempotent, producer)
    }
    return this.producers.get(idempotent)
  }

  // kafkajs reads in groups only: this one is made for the occasion, and sent to where reading starts.
  async read ({ topic, partition, start, count, isolation_level: isolation }) {
    const offset = await this.startOf(topic, partition, start)
    const groupId = `read-${randomUUID()}`
    const consumer = this.kafka.consumer({
      groupId, allowAutoTopicCreation: false, readUncommitted: isolation === 'read_uncommitted',
      maxWaitTimeInMs: 100, maxBytesPerPartition: LARGE, maxBytes: LARGE
    })
    await consumer.connect()
    try {
      await consumer.subscribe({ topic, fromBeginning: true })
      const records = await new Promise((resolve, reject) => {
        const seen = []
        consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
        consumer.run({
          autoCommit: false,
          eachMessage: async (got) => {
            if (got.partition === partition && seen.length < count) seen.push(shown(got.partition, got.message))
            if (seen.length === count) resolve(seen)
          }
        }).catch(reject)
        consumer.seek({ topic, partition, offset })
      })
      return { records }
    } finally {
      await consumer.disconnect()
      await this.admin.deleteGroups([groupId]).catch(() => {})
    }
  }

  async startOf (topic, partition, start) {
    if (start.offset !== undefined) return String(start.offset)
    const found = start.timestamp === undefined
      ? (await this.admin.fetchTopicOffsets(topic)).map(({ partition, low }) => ({ partition, offset: low }))
      : await this.admin.fetchTopicOffsetsByTimestamp(topic, start.timestamp)
    return found.find((one) => one.partition === partition).offset
  }

  async begin ({ transactional_id: id }) {
    if (this.transactional?.id !== id) {
      const producer = this.patient.producer({ transactionalId: id, idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
      await producer.connect()
      this.transactional = { id, producer }
    }
    this.transaction = await this.transactional.producer.transaction()
  }

  async send ({ topic, values }) {
    await this.transaction.send({ topic, messages: values.map((value) => ({ partition: 0, value })) })
  }

  async send_offset ({ topic, offset, group }) {
    await this.transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions: [{ partition: 0, offset: String(offset) }] }] })
  }

  async end ({ commit }) {
    await (commit ? this.transaction.commit() : this.transaction.abort())
  }

  async offsets ({ topic }) {
    const found = await this.admin.fetchTopicOffsets(topic)
    return { offsets: Object.fromEntries(found.map(({ partition, low, high }) => [partition, [Number(low), Number(high)]])) }
  }

  async join ({ member, group, topic }) {
    const consumer = this.patient.consumer({
      groupId: group, maxWaitTimeInMs: 100, sessionTimeout: 10000, heartbeatInterval: 300, rebalanceTimeout: 10000
    })
    consumer.on('consumer.group_join', ({ payload }) => {
      say('assigned', { member, partitions: payload.memberAssignment[topic] ?? [] })
    })
    consumer.on('consumer.crash', ({ payload }) => {
      // With `restart` it goes on by itself: the broker was away.
      if (!payload.restart) say('failed', { member, why: String(payload.error.stack) })
    })
    this.members.set(member, consumer)
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }])
        say('record', { member, ...shown(partition, message) })
      }
    })
  }

  async leave ({ member }) {
    await this.members.get(member).disconnect()
    this.members.delete(member)
  }

  async describe_configs ({ topic }) {
    const { resources } = await this.admin.describeConfigs({ resources: [{ type: TOPIC, name: topic }], includeSynonyms: false })
    return { configs: Object.fromEntries(resources[0].configEntries.map(({ configName, configValue }) => [configName, configValue])) }
  }

  async alter_configs ({ topic, configs }) {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await this.admin.alterConfigs({ validateOnly: false, resources: [{ type: TOPIC, name: topic, configEntries }] })
  }

  async delete_records ({ topic, partition, before }) {
    // It looks the leader up in the metadata that it has, and asks for none: an earlier call must have brought the topic's.
    await this.admin.fetchTopicOffsets(topic)
    await this.admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] })
  }

  async groups () {
    const { groups } = await this.admin.listGroups()
    return { groups: groups.map(({ groupId }) => groupId) }
  }

  async describe_group ({ group }) {
    const { groups: [{ state, members }] } = await this.admin.describeGroups([group])
    return {
      state,
      members: members.map(({ clientId, memberAssignment }) => ({
        client_id: clientId,
        partitions: Object.values(kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment).assignment).flat()
      }))
    }
  }

  async delete_group ({ group }) {
    await this.admin.deleteGroups([group])
  }

  async committed ({ group, topic }) {
    const [{ partitions }] = await this.admin.fetchOffsets({ groupId: group, topics: [topic] })
    return { offsets: Object.fromEntries(partitions.map(({ partition, offset }) => [partition, Number(offset)])) }
  }
}

function shown (partition, { offset, key, value, headers, timestamp }) {
  return {
    partition,
    offset: Number(offset),
    key: key === null ? null : key.toString(),
    value: value === null ? null : value.toString(),
    headers: Object.entries(headers ?? {}).map(([name, content]) => [name, content.toString()]),
    timestamp: Number(timestamp)
  }
}

// A KafkaJSProtocolError has Kafka's code; others wrap it, alone or among several.
function codeOf (error) {
  if (typeof error.code === 'number') return error.code
  if (error.groups !== undefined) return error.groups[0].errorCode
  if (error.partitions !== undefined) return codeOf(error.partitions[0].error)
  for (const inner of [error.originalError, error.cause, ...(error.errors ?? [])]) {
    if (inner) return codeOf(inner)
  }
  return null
}

const client = new Client()
client.admin.connect().then(() => serve(client, codeOf))
