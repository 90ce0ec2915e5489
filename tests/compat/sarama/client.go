// Package sarama drives sarama: its sync producer, consumer, consumer group and cluster admin.
package sarama

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"kafkapy/compat/driver/golang/asks"
)

const large = 16 << 20

var codecs = map[string]sarama.CompressionCodec{
	"":       sarama.CompressionNone,
	"gzip":   sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy,
	"lz4":    sarama.CompressionLZ4,
	"zstd":   sarama.CompressionZSTD,
}

type client struct {
	bootstrap    []string
	client       sarama.Client
	admin        sarama.ClusterAdmin
	producers    map[string]sarama.SyncProducer
	members      map[string]*member
	transactions transactions
}

type member struct {
	group sarama.ConsumerGroup
	ended chan struct{}
}

// New gives sarama's answers.
func New(bootstrap string) asks.Client {
	c := &client{bootstrap: []string{bootstrap}, producers: map[string]sarama.SyncProducer{}, members: map[string]*member{}}
	var err error
	if c.client, err = sarama.NewClient(c.bootstrap, config()); err != nil {
		panic(err)
	}
	if c.admin, err = sarama.NewClusterAdmin(c.bootstrap, config()); err != nil {
		panic(err)
	}
	return asks.Client{
		"topics": c.topics, "create_topic": c.createTopic, "delete_topic": c.deleteTopic,
		"add_partitions": c.addPartitions, "produce": c.produce, "read": c.read, "offsets": c.offsets,
		"join": c.join, "leave": c.leave, "describe_configs": c.describeConfigs, "alter_configs": c.alterConfigs,
		"delete_records": c.deleteRecords, "groups": c.groups, "describe_group": c.describeGroup,
		"delete_group": c.deleteGroup, "committed": c.committed,
		"begin": c.begin, "send": c.send, "send_offset": c.sendOffset, "end": c.end,
	}
}

// CodeOf finds Kafka's code, in an error or in the first of the errors of several records.
func CodeOf(err error) *int {
	var several sarama.ProducerErrors
	if errors.As(err, &several) {
		err = several[0].Err
	}
	var code sarama.KError
	if !errors.As(err, &code) {
		return nil
	}
	number := int(code)
	return &number
}

func config() *sarama.Config {
	config := sarama.NewConfig()
	config.ClientID = "sarama"
	config.Version = sarama.MaxVersion
	config.Metadata.AllowAutoTopicCreation = false
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.MaxMessageBytes = large
	config.Consumer.Fetch.Default = large
	config.Consumer.MaxWaitTime = 100 * time.Millisecond
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.Session.Timeout = 10 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 300 * time.Millisecond
	return config
}

func (c *client) topics(asks.Ask) (asks.Fields, error) {
	topics, err := c.admin.ListTopics()
	return asks.Fields{"topics": names(topics)}, err
}

func names[V any](of map[string]V) []string {
	found := []string{}
	for name := range of {
		found = append(found, name)
	}
	return found
}

func (c *client) createTopic(ask asks.Ask) (asks.Fields, error) {
	detail := &sarama.TopicDetail{NumPartitions: ask.Partitions, ReplicationFactor: 1, ConfigEntries: map[string]*string{}}
	for name, value := range ask.Configs {
		detail.ConfigEntries[name] = &value
	}
	return nil, c.admin.CreateTopic(ask.Topic, detail, false)
}

func (c *client) deleteTopic(ask asks.Ask) (asks.Fields, error) {
	return nil, c.admin.DeleteTopic(ask.Topic)
}

func (c *client) addPartitions(ask asks.Ask) (asks.Fields, error) {
	return nil, c.admin.CreatePartitions(ask.Topic, ask.Total, nil, false)
}

func (c *client) producer(ask asks.Ask) (sarama.SyncProducer, error) {
	key := fmt.Sprint(ask.Compression, ask.Idempotent)
	if opened, ok := c.producers[key]; ok {
		return opened, nil
	}
	settings := config()
	settings.Producer.Compression = codecs[ask.Compression]
	if ask.Idempotent {
		settings.Producer.Idempotent = true
		settings.Net.MaxOpenRequests = 1
	}
	opened, err := sarama.NewSyncProducer(c.bootstrap, settings)
	if err == nil {
		c.producers[key] = opened
	}
	return opened, err
}

func (c *client) produce(ask asks.Ask) (asks.Fields, error) {
	producer, err := c.producer(ask)
	if err != nil {
		return nil, err
	}
	messages := []*sarama.ProducerMessage{}
	for _, one := range ask.Records {
		message := &sarama.ProducerMessage{Topic: ask.Topic, Partition: one.Partition}
		if one.Key != nil {
			message.Key = sarama.StringEncoder(*one.Key)
		}
		if one.Value != nil {
			message.Value = sarama.StringEncoder(*one.Value)
		}
		if one.Timestamp != nil {
			message.Timestamp = time.UnixMilli(*one.Timestamp)
		}
		for _, header := range one.Headers {
			message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(header[0]), Value: []byte(header[1])})
		}
		messages = append(messages, message)
	}
	if err := producer.SendMessages(messages); err != nil {
		return nil, err
	}
	acks := []asks.Ack{}
	for _, message := range messages {
		acks = append(acks, asks.Ack{Partition: message.Partition, Offset: message.Offset})
	}
	return asks.Fields{"acks": acks}, nil
}

func (c *client) read(ask asks.Ask) (asks.Fields, error) {
	start := sarama.OffsetOldest
	if ask.Start.Offset != nil {
		start = *ask.Start.Offset
	} else if ask.Start.Timestamp != nil {
		found, err := c.client.GetOffset(ask.Topic, ask.Partition, *ask.Start.Timestamp)
		if err != nil {
			return nil, err
		}
		start = found
	}
	settings := config()
	if ask.ReadCommitted() {
		settings.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	consumer, err := sarama.NewConsumer(c.bootstrap, settings)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(ask.Topic, ask.Partition, start)
	if err != nil {
		return nil, err
	}
	defer partition.Close()
	records := []asks.Record{}
	for len(records) < ask.Count {
		records = append(records, shown(<-partition.Messages()))
	}
	return asks.Fields{"records": records}, nil
}

func (c *client) offsets(ask asks.Ask) (asks.Fields, error) {
	if err := c.client.RefreshMetadata(ask.Topic); err != nil {
		return nil, err
	}
	partitions, err := c.client.Partitions(ask.Topic)
	if err != nil {
		return nil, err
	}
	offsets := map[int32][2]int64{}
	for _, partition := range partitions {
		start, err := c.client.GetOffset(ask.Topic, partition, sarama.OffsetOldest)
		if err != nil {
			return nil, err
		}
		end, err := c.client.GetOffset(ask.Topic, partition, sarama.OffsetNewest)
		if err != nil {
			return nil, err
		}
		offsets[partition] = [2]int64{start, end}
	}
	return asks.Fields{"offsets": offsets}, nil
}

func (c *client) join(ask asks.Ask) (asks.Fields, error) {
	group, err := sarama.NewConsumerGroup(c.bootstrap, ask.Group, config())
	if err != nil {
		return nil, err
	}
	joined := &member{group: group, ended: make(chan struct{})}
	c.members[ask.Member] = joined
	go func() {
		defer close(joined.ended)
		for {
			// It returns at every rebalance, and with an error while the broker is away.
			err := group.Consume(context.Background(), []string{ask.Topic}, handler{ask.Member, ask.Topic})
			if errors.Is(err, sarama.ErrClosedConsumerGroup) {
				return
			}
			if err != nil {
				time.Sleep(100 * time.Millisecond)
			}
		}
	}()
	return nil, nil
}

type handler struct {
	member string
	topic  string
}

func (h handler) Setup(session sarama.ConsumerGroupSession) error {
	partitions := session.Claims()[h.topic]
	if partitions == nil {
		partitions = []int32{}
	}
	asks.Say("assigned", asks.Fields{"member": h.member, "partitions": partitions})
	return nil
}

func (h handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		session.MarkMessage(message, "")
		session.Commit()
		asks.SayRecord(h.member, shown(message))
	}
	return nil
}

func (c *client) leave(ask asks.Ask) (asks.Fields, error) {
	left := c.members[ask.Member]
	delete(c.members, ask.Member)
	err := left.group.Close()
	<-left.ended
	return nil, err
}

func (c *client) describeConfigs(ask asks.Ask) (asks.Fields, error) {
	entries, err := c.admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: ask.Topic})
	configs := map[string]string{}
	for _, entry := range entries {
		configs[entry.Name] = entry.Value
	}
	return asks.Fields{"configs": configs}, err
}

func (c *client) alterConfigs(ask asks.Ask) (asks.Fields, error) {
	changes := map[string]sarama.IncrementalAlterConfigsEntry{}
	for name, value := range ask.Configs {
		changes[name] = sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}
	}
	return nil, c.admin.IncrementalAlterConfig(sarama.TopicResource, ask.Topic, changes, false)
}

func (c *client) deleteRecords(ask asks.Ask) (asks.Fields, error) {
	return nil, c.admin.DeleteRecords(ask.Topic, map[int32]int64{ask.Partition: ask.Before})
}

func (c *client) groups(asks.Ask) (asks.Fields, error) {
	groups, err := c.admin.ListConsumerGroups()
	return asks.Fields{"groups": names(groups)}, err
}

func (c *client) describeGroup(ask asks.Ask) (asks.Fields, error) {
	groups, err := c.admin.DescribeConsumerGroups([]string{ask.Group})
	if err != nil {
		return nil, err
	}
	members := []asks.Fields{}
	for _, one := range groups[0].Members {
		assignment, err := one.GetMemberAssignment()
		if err != nil {
			return nil, err
		}
		partitions := []int32{}
		for _, ours := range assignment.Topics {
			partitions = append(partitions, ours...)
		}
		members = append(members, asks.Fields{"client_id": one.ClientId, "partitions": partitions})
	}
	return asks.Fields{"state": groups[0].State, "members": members}, nil
}

func (c *client) deleteGroup(ask asks.Ask) (asks.Fields, error) {
	return nil, c.admin.DeleteConsumerGroup(ask.Group)
}

func (c *client) committed(ask asks.Ask) (asks.Fields, error) {
	found, err := c.admin.ListConsumerGroupOffsets(ask.Group, nil)
	if err != nil {
		return nil, err
	}
	offsets := map[int32]int64{}
	for partition, block := range found.Blocks[ask.Topic] {
		offsets[partition] = block.Offset
	}
	return asks.Fields{"offsets": offsets}, nil
}

func shown(message *sarama.ConsumerMessage) asks.Record {
	timestamp := message.Timestamp.UnixMilli()
	headers := [][2]string{}
	for _, header := range message.Headers {
		headers = append(headers, [2]string{string(header.Key), string(header.Value)})
	}
	return asks.Record{
		Partition: message.Partition, Offset: message.Offset, Key: asks.Text(message.Key), Value: asks.Text(message.Value),
		Headers: headers, Timestamp: &timestamp,
	}
}
