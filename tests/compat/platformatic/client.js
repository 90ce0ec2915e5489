'use strict'
// @platformatic/kafka. Started with the broker's address and the folder that holds the packages.

const path = require('node:path')
const { randomUUID } = require('node:crypto')
const { acks, say, serve } = require('../driver/ask_loop.js')

const [bootstrap, home] = process.argv.slice(2)
const INCREMENTAL_SET = 0
const UNKNOWN_TOPIC_OR_PARTITION = 3
const EARLIEST = -2n
const LATEST = -1n
const LARGE = 16 * 1024 * 1024
// Transactions outlive a broker that takes its time to start.
const PATIENT = { retries: 30, retryDelay: 200 }
// Left out, it says that it was producer 0 with epoch 0 before, and is refused as an old one once the id is known.
const NO_PRODUCER_YET = { producerId: -1n, producerEpoch: -1 }

class Client {
  constructor (kafka) {
    this.kafka = kafka
    this.common = { clientId: 'platformatic', bootstrapBrokers: [bootstrap], retries: 3, autocreateTopics: false }
    this.admin = new kafka.Admin(this.common)
    this.producers = new Map()
    this.members = new Map()
    this.transactional = null // the producer of transactions, with its id
    this.transaction = null
  }

  async topics () {
    return { topics: await this.admin.listTopics({ includeInternals: false }) }
  }

  async create_topic ({ topic, partitions, configs }) {
    await this.admin.createTopics({
      topics: [topic], partitions, replicas: 1, configs: Object.entries(configs).map(([name, value]) => ({ name, value }))
    })
  }

  async delete_topic ({ topic }) {
    await this.admin.deleteTopics({ topics: [topic] })
  }

  async add_partitions ({ topic, total }) {
    await this.admin.createPartitions({ topics: [{ name: topic, count: total, assignments: null }] })
  }

  async produce ({ topic, records, compression, idempotent }) {
    if (!this.producers.has(idempotent)) {
      this.producers.set(idempotent, new this.kafka.Producer({ ...this.common, idempotent, serializers: this.kafka.stringSerializers }))
    }
    const messages = records.map(({ partition, key, value, headers, timestamp }) => ({
      topic, partition, key: key ?? undefined, value, headers: new Map(headers), timestamp: timestamp === null ? undefined : BigInt(timestamp)
    }))
    const sent = await this.producers.get(idempotent).send({ messages, acks: -1, compression: compression ?? 'none' })
    return { acks: acks(records, sent.offsets.map(({ partition, offset }) => [partition, Number(offset)])) }
  }

  consumer (groupId, more) {
    return new this.kafka.Consumer({
      ...this.common, groupId, autocommit: false, maxWaitTime: 100, deserializers: this.kafka.stringDeserializers, ...more
    })
  }

  // Its consumer is always a member of a group: this one is made for the occasion.
  async read ({ topic, partition, start, count, isolation_level: isolation }) {
    const groupId = `read-${randomUUID()}`
    const offset = await this.startOf(topic, partition, start)
    const isolationLevel = this.kafka.FetchIsolationLevels[isolation.toUpperCase()]
    const consumer = this.consumer(groupId, { maxBytes: LARGE, maxBytesPerPartition: LARGE, isolationLevel })
    try {
      const partitions = await this.partitions(topic)
      const elsewhere = partitions.filter((other) => other !== partition).map((other) => ({ topic, partition: other, offset: 0n }))
      const stream = await consumer.consume({ topics: [topic], mode: 'manual', offsets: [{ topic, partition, offset }, ...elsewhere] })
      const records = []
      for await (const message of stream) {
        if (message.partition === partition) records.push(shown(message))
        if (records.length === count) break
      }
      return { records }
    } finally {
      await consumer.close(true)
      await this.admin.deleteGroups({ groups: [groupId] }).catch(() => {})
    }
  }

  async startOf (topic, partition, start) {
    if (start.offset !== undefined) return BigInt(start.offset)
    const timestamp = start.timestamp === undefined ? EARLIEST : BigInt(start.timestamp)
    return (await this.listed(topic, [partition], timestamp)).get(partition)
  }

  async partitions (topic) {
    const metadata = await this.admin.metadata({ topics: [topic], forceUpdate: true })
    return Array.from({ length: metadata.topics.get(topic).partitionsCount }, (_, partition) => partition)
  }

  async listed (topic, partitions, timestamp) {
    const [found] = await this.admin.listOffsets({
      topics: [{ name: topic, partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp })) }]
    })
    return new Map(found.partitions.map(({ partitionIndex, offset }) => [partitionIndex, offset]))
  }

  async begin ({ transactional_id: id }) {
    if (this.transactional?.id !== id) {
      const producer = new this.kafka.Producer({
        ...this.common, ...PATIENT, ...NO_PRODUCER_YET, transactionalId: id, idempotent: true, serializers: this.kafka.stringSerializers
      })
      this.transactional = { id, producer }
    }
    this.transaction = await this.transactional.producer.beginTransaction()
  }

  async send ({ topic, values }) {
    await this.transaction.send({ messages: values.map((value) => ({ topic, partition: 0, value })), acks: -1 })
  }

  // An offset goes with a transaction as that of a message which a member has read, so one reads up to it.
  async send_offset ({ topic, offset, group }) {
    const consumer = this.consumer(group, { sessionTimeout: 10000, rebalanceTimeout: 10000, heartbeatInterval: 300 })
    const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
    for await (const message of stream) {
      if (Number(message.offset) !== offset - 1) continue
      await this.transaction.addConsumer(consumer)
      await this.transaction.addOffset(message)
      break
    }
    // Not later: closed while it looks for a broker that has died, it does not leave, and the next waits for its session's end.
    await consumer.close(true)
  }

  async end ({ commit }) {
    await (commit ? this.transaction.commit() : this.transaction.abort())
  }

  async offsets ({ topic }) {
    const partitions = await this.partitions(topic)
    const starts = await this.listed(topic, partitions, EARLIEST)
    const ends = await this.listed(topic, partitions, LATEST)
    return { offsets: Object.fromEntries(partitions.map((one) => [one, [Number(starts.get(one)), Number(ends.get(one))]])) }
  }

  async join ({ member, group, topic, protocol }) {
    const consumer = this.consumer(group, protocol === 'consumer'
      ? { groupProtocol: 'consumer' }
      : { sessionTimeout: 10000, rebalanceTimeout: 10000, heartbeatInterval: 300 })
    this.members.set(member, consumer)
    let told = null
    const tell = (assignments) => {
      const ours = (assignments ?? []).filter((one) => one.topic === topic).flatMap(({ partitions }) => partitions)
      if (protocol === 'consumer' && String(ours) === told) return
      told = String(ours)
      say('assigned', { member, partitions: ours })
    }
    consumer.on('consumer:group:join', ({ assignments }) => { if (protocol !== 'consumer') tell(assignments) })
    // By the new protocol it raises nothing when its partitions change: they are looked at after every beat.
    consumer.on('consumer:heartbeat:end', () => { if (protocol === 'consumer') tell(consumer.assignments) })
    const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
    stream.on('error', (error) => say('failed', { member, why: String(error.stack) }))
    stream.on('data', async (message) => {
      try {
        await message.commit()
        say('record', { member, ...shown(message) })
      } catch (error) {
        say('failed', { member, why: String(error.stack) })
      }
    })
  }

  async leave ({ member }) {
    await this.members.get(member).close(true)
    this.members.delete(member)
  }

  async describe_configs ({ topic }) {
    const resources = [{ resourceType: this.kafka.ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: null }]
    const [{ configs }] = await this.admin.describeConfigs({ resources })
    return { configs: Object.fromEntries(configs.map(({ name, value }) => [name, value])) }
  }

  async alter_configs ({ topic, configs }) {
    await this.admin.incrementalAlterConfigs({
      resources: [{
        resourceType: this.kafka.ConfigResourceTypes.TOPIC,
        resourceName: topic,
        configs: Object.entries(configs).map(([name, value]) => ({ name, value, configOperation: INCREMENTAL_SET }))
      }]
    })
  }

  async delete_records ({ topic, partition, before }) {
    await this.admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset: BigInt(before) }] }] })
  }

  async groups () {
    return { groups: [...(await this.admin.listGroups()).keys()] }
  }

  async describe_group ({ group }) {
    const { state, members } = (await this.admin.describeGroups({ groups: [group] })).get(group)
    return {
      state,
      members: [...members.values()].map(({ clientId, assignments }) => ({
        client_id: clientId,
        partitions: [...assignments.values()].flatMap(({ partitions }) => partitions)
      }))
    }
  }

  async delete_group ({ group }) {
    await this.admin.deleteGroups({ groups: [group] })
  }

  async committed ({ group, topic }) {
    const [{ topics }] = await this.admin.listConsumerGroupOffsets({ groups: [group] })
    const found = topics.find(({ name }) => name === topic)?.partitions ?? []
    return { offsets: Object.fromEntries(found.map(({ partitionIndex, committedOffset }) => [partitionIndex, Number(committedOffset)])) }
  }
}

function shown ({ partition, offset, key, value, headers, timestamp }) {
  return {
    partition,
    offset: Number(offset),
    key: key ?? null,
    value: value ?? null,
    headers: [...headers].map(([name, content]) => [name, content]),
    timestamp: Number(timestamp)
  }
}

// A ProtocolError has Kafka's code in apiCode; others hold it as one of their errors or as their cause.
function codeOf (error) {
  // It finds this one out by itself, from the metadata, and has no code for it.
  if (/^Unknown topic /.test(error.message)) return UNKNOWN_TOPIC_OR_PARTITION
  if (typeof error.apiCode === 'number') return error.apiCode
  for (const inner of [error.cause, ...(error.errors ?? [])]) {
    const code = inner ? codeOf(inner) : null
    if (code !== null) return code
  }
  return null
}

const entry = require.resolve('@platformatic/kafka', { paths: [path.join(home, 'node_modules')] })
import(entry).then((kafka) => serve(new Client(kafka), codeOf))
