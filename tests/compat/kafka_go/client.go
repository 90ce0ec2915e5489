// Package kafka_go drives segmentio's kafka-go: its Writer, Reader, ConsumerGroup and Client.
package kafka_go

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"kafkapy/compat/driver/golang/asks"
)

const large = 16 << 20

var (
	ctx    = context.Background()
	codecs = map[string]kafka.Compression{
		"gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd,
	}
)

type client struct {
	bootstrap   string
	members     map[string]*kafka.ConsumerGroup
	transaction transaction
}

// New gives kafka-go's answers. It has no idempotent producer and no DeleteRecords.
func New(bootstrap string) asks.Client {
	c := &client{bootstrap: bootstrap, members: map[string]*kafka.ConsumerGroup{}}
	return asks.Client{
		"topics": c.topics, "create_topic": c.createTopic, "delete_topic": c.deleteTopic,
		"add_partitions": c.addPartitions, "produce": c.produce, "read": c.read, "offsets": c.offsets,
		"join": c.join, "leave": c.leave, "describe_configs": c.describeConfigs, "alter_configs": c.alterConfigs,
		"groups": c.groups, "describe_group": c.describeGroup, "delete_group": c.deleteGroup, "committed": c.committed,
		"begin": c.begin, "send_offset": c.sendOffset, "end": c.end,
	}
}

// CodeOf finds Kafka's code, in an error, in the first of the errors of several records, or behind a record's size.
func CodeOf(err error) *int {
	var several kafka.WriteErrors
	if errors.As(err, &several) {
		for _, one := range several {
			if one != nil {
				err = one
				break
			}
		}
	}
	var code kafka.Error
	if !errors.As(err, &code) {
		return nil
	}
	number := int(code)
	return &number
}

// admin is a new one each time: a Transport keeps metadata for seconds, and what was made is to be seen at once.
func (c *client) admin() *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(c.bootstrap), Timeout: 30 * time.Second, Transport: transport()}
}

func transport() *kafka.Transport {
	return &kafka.Transport{ClientID: "kafka-go"}
}

func (c *client) metadata(topics ...string) (*kafka.MetadataResponse, error) {
	return c.admin().Metadata(ctx, &kafka.MetadataRequest{Topics: topics})
}

func (c *client) topics(asks.Ask) (asks.Fields, error) {
	metadata, err := c.metadata()
	if err != nil {
		return nil, err
	}
	topics := []string{}
	for _, topic := range metadata.Topics {
		topics = append(topics, topic.Name)
	}
	return asks.Fields{"topics": topics}, nil
}

func (c *client) createTopic(ask asks.Ask) (asks.Fields, error) {
	topic := kafka.TopicConfig{Topic: ask.Topic, NumPartitions: int(ask.Partitions), ReplicationFactor: 1}
	for name, value := range ask.Configs {
		topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	created, err := c.admin().CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
	if err != nil {
		return nil, err
	}
	return nil, created.Errors[ask.Topic]
}

func (c *client) deleteTopic(ask asks.Ask) (asks.Fields, error) {
	deleted, err := c.admin().DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{ask.Topic}})
	if err != nil {
		return nil, err
	}
	return nil, deleted.Errors[ask.Topic]
}

func (c *client) addPartitions(ask asks.Ask) (asks.Fields, error) {
	changed, err := c.admin().CreatePartitions(ctx, &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: ask.Topic, Count: ask.Total}},
	})
	if err != nil {
		return nil, err
	}
	return nil, changed.Errors[ask.Topic]
}

func (c *client) produce(ask asks.Ask) (asks.Fields, error) {
	sent := make([]asks.Ack, len(ask.Records))
	writer := &kafka.Writer{
		Addr:         kafka.TCP(c.bootstrap),
		Transport:    transport(),
		Topic:        ask.Topic,
		RequiredAcks: kafka.RequireAll,
		Compression:  codecs[ask.Compression],
		BatchTimeout: 20 * time.Millisecond,
		BatchBytes:   large,
		MaxAttempts:  3,
		// A message has no partition of its own to be sent to: the balancer chooses, and here it knows.
		Balancer: kafka.BalancerFunc(func(message kafka.Message, _ ...int) int {
			return int(ask.Records[message.WriterData.(int)].Partition)
		}),
		// Called before WriteMessages returns, with the offsets that the messages got; by one goroutine for each partition.
		Completion: func(messages []kafka.Message, err error) {
			for _, message := range messages {
				if err == nil {
					sent[message.WriterData.(int)] = asks.Ack{Partition: int32(message.Partition), Offset: message.Offset}
				}
			}
		},
	}
	messages := []kafka.Message{}
	for number, one := range ask.Records {
		message := kafka.Message{Key: asks.Bytes(one.Key), Value: asks.Bytes(one.Value), WriterData: number}
		if one.Timestamp != nil {
			message.Time = time.UnixMilli(*one.Timestamp)
		}
		for _, header := range one.Headers {
			message.Headers = append(message.Headers, kafka.Header{Key: header[0], Value: []byte(header[1])})
		}
		messages = append(messages, message)
	}
	if err := writer.WriteMessages(ctx, messages...); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return asks.Fields{"acks": sent}, nil
}

func (c *client) reader(topic string, partition int, isolation kafka.IsolationLevel) *kafka.Reader {
	return kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{c.bootstrap}, Topic: topic, Partition: partition, MinBytes: 1, MaxBytes: large,
		MaxWait: 100 * time.Millisecond, IsolationLevel: isolation,
	})
}

func (c *client) read(ask asks.Ask) (asks.Fields, error) {
	isolation := kafka.ReadUncommitted
	if ask.ReadCommitted() {
		isolation = kafka.ReadCommitted
	}
	reader := c.reader(ask.Topic, int(ask.Partition), isolation)
	defer reader.Close()
	if ask.Start.Offset != nil {
		if err := reader.SetOffset(*ask.Start.Offset); err != nil {
			return nil, err
		}
	} else if ask.Start.Timestamp != nil {
		if err := reader.SetOffsetAt(ctx, time.UnixMilli(*ask.Start.Timestamp)); err != nil {
			return nil, err
		}
	}
	records := []asks.Record{}
	for len(records) < ask.Count {
		message, err := reader.ReadMessage(ctx)
		if err != nil {
			return nil, err
		}
		records = append(records, shown(message))
	}
	return asks.Fields{"records": records}, nil
}

func (c *client) offsets(ask asks.Ask) (asks.Fields, error) {
	metadata, err := c.metadata(ask.Topic)
	if err != nil {
		return nil, err
	}
	if err := metadata.Topics[0].Error; err != nil {
		return nil, err
	}
	wanted := []kafka.OffsetRequest{}
	for _, partition := range metadata.Topics[0].Partitions {
		wanted = append(wanted, kafka.FirstOffsetOf(partition.ID), kafka.LastOffsetOf(partition.ID))
	}
	found, err := c.admin().ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{ask.Topic: wanted}})
	if err != nil {
		return nil, err
	}
	offsets := map[int][2]int64{}
	for _, partition := range found.Topics[ask.Topic] {
		if partition.Error != nil {
			return nil, partition.Error
		}
		offsets[partition.Partition] = [2]int64{partition.FirstOffset, partition.LastOffset}
	}
	return asks.Fields{"offsets": offsets}, nil
}

func (c *client) join(ask asks.Ask) (asks.Fields, error) {
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: ask.Group, Brokers: []string{c.bootstrap}, Topics: []string{ask.Topic}, StartOffset: kafka.FirstOffset,
		SessionTimeout: 10 * time.Second, HeartbeatInterval: 300 * time.Millisecond, JoinGroupBackoff: 500 * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	c.members[ask.Member] = group
	go func() {
		for {
			generation, err := group.Next(ctx)
			if errors.Is(err, kafka.ErrGroupClosed) {
				return
			}
			if err == nil {
				c.consume(ask.Member, ask.Topic, generation)
			}
		}
	}()
	return nil, nil
}

// consume starts what reads each partition of a generation, until the generation ends.
func (c *client) consume(member, topic string, generation *kafka.Generation) {
	partitions := []int{}
	for _, assigned := range generation.Assignments[topic] {
		partitions = append(partitions, assigned.ID)
		generation.Start(func(ctx context.Context) {
			reader := c.reader(topic, assigned.ID, kafka.ReadUncommitted)
			defer reader.Close()
			if err := reader.SetOffset(assigned.Offset); err != nil {
				asks.Say("failed", asks.Fields{"member": member, "why": err.Error()})
				return
			}
			for {
				message, err := reader.ReadMessage(ctx)
				if err != nil {
					return
				}
				committed := map[string]map[int]int64{topic: {assigned.ID: message.Offset + 1}}
				if err := generation.CommitOffsets(committed); err != nil {
					return
				}
				asks.SayRecord(member, shown(message))
			}
		})
	}
	asks.Say("assigned", asks.Fields{"member": member, "partitions": partitions})
}

func (c *client) leave(ask asks.Ask) (asks.Fields, error) {
	left := c.members[ask.Member]
	delete(c.members, ask.Member)
	return nil, left.Close()
}

func (c *client) describeConfigs(ask asks.Ask) (asks.Fields, error) {
	described, err := c.admin().DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: ask.Topic}},
	})
	if err != nil {
		return nil, err
	}
	configs := map[string]string{}
	for _, entry := range described.Resources[0].ConfigEntries {
		configs[entry.ConfigName] = entry.ConfigValue
	}
	return asks.Fields{"configs": configs}, described.Resources[0].Error
}

func (c *client) alterConfigs(ask asks.Ask) (asks.Fields, error) {
	resource := kafka.IncrementalAlterConfigsRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: ask.Topic}
	for name, value := range ask.Configs {
		resource.Configs = append(resource.Configs, kafka.IncrementalAlterConfigsRequestConfig{Name: name, Value: value})
	}
	altered, err := c.admin().IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{resource},
	})
	if err != nil {
		return nil, err
	}
	return nil, altered.Resources[0].Error
}

func (c *client) groups(asks.Ask) (asks.Fields, error) {
	listed, err := c.admin().ListGroups(ctx, &kafka.ListGroupsRequest{})
	if err != nil {
		return nil, err
	}
	groups := []string{}
	for _, group := range listed.Groups {
		groups = append(groups, group.GroupID)
	}
	return asks.Fields{"groups": groups}, listed.Error
}

func (c *client) describeGroup(ask asks.Ask) (asks.Fields, error) {
	described, err := c.admin().DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{ask.Group}})
	if err != nil {
		return nil, err
	}
	group := described.Groups[0]
	members := []asks.Fields{}
	for _, member := range group.Members {
		partitions := []int{}
		for _, topic := range member.MemberAssignments.Topics {
			partitions = append(partitions, topic.Partitions...)
		}
		members = append(members, asks.Fields{"client_id": member.ClientID, "partitions": partitions})
	}
	return asks.Fields{"state": group.GroupState, "members": members}, group.Error
}

func (c *client) deleteGroup(ask asks.Ask) (asks.Fields, error) {
	deleted, err := c.admin().DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{ask.Group}})
	if err != nil {
		return nil, err
	}
	return nil, deleted.Errors[ask.Group]
}

func (c *client) committed(ask asks.Ask) (asks.Fields, error) {
	metadata, err := c.metadata(ask.Topic)
	if err != nil {
		return nil, err
	}
	partitions := []int{}
	for _, partition := range metadata.Topics[0].Partitions {
		partitions = append(partitions, partition.ID)
	}
	found, err := c.admin().OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: ask.Group, Topics: map[string][]int{ask.Topic: partitions},
	})
	if err != nil {
		return nil, err
	}
	offsets := map[int]int64{}
	for _, partition := range found.Topics[ask.Topic] {
		offsets[partition.Partition] = partition.CommittedOffset
	}
	return asks.Fields{"offsets": offsets}, found.Error
}

func shown(message kafka.Message) asks.Record {
	timestamp := message.Time.UnixMilli()
	headers := [][2]string{}
	for _, header := range message.Headers {
		headers = append(headers, [2]string{header.Key, string(header.Value)})
	}
	return asks.Record{
		Partition: int32(message.Partition), Offset: message.Offset, Key: asks.Text(message.Key),
		Value: asks.Text(message.Value), Headers: headers, Timestamp: &timestamp,
	}
}
