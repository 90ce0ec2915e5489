// Package franz_go drives franz-go: kgo for records and groups, kadm for the rest.
package franz_go

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"kafkapy/compat/driver/golang/asks"
)

const large = 16 << 20

var (
	ctx    = context.Background()
	codecs = map[string]kgo.CompressionCodec{
		"":       kgo.NoCompression(),
		"gzip":   kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(),
		"lz4":    kgo.Lz4Compression(),
		"zstd":   kgo.ZstdCompression(),
	}
)

type client struct {
	bootstrap    string
	producers    map[string]*kgo.Client
	members      map[string]*kgo.Client
	transactions transactions
}

// New gives franz-go's answers.
func New(bootstrap string) asks.Client {
	c := &client{bootstrap: bootstrap, producers: map[string]*kgo.Client{}, members: map[string]*kgo.Client{}}
	return asks.Client{
		"topics": c.topics, "create_topic": c.createTopic, "delete_topic": c.deleteTopic,
		"add_partitions": c.addPartitions, "produce": c.produce, "read": c.read, "offsets": c.offsets,
		"join": c.join, "leave": c.leave, "describe_configs": c.describeConfigs, "alter_configs": c.alterConfigs,
		"delete_records": c.deleteRecords, "groups": c.groups, "describe_group": c.describeGroup,
		"delete_group": c.deleteGroup, "committed": c.committed,
		"begin": c.begin, "send": c.send, "send_offset": c.sendOffset, "end": c.end,
	}
}

// CodeOf finds Kafka's code.
func CodeOf(err error) *int {
	var known *kerr.Error
	if !errors.As(err, &known) {
		return nil
	}
	code := int(known.Code)
	return &code
}

func (c *client) open(options ...kgo.Opt) *kgo.Client {
	opened, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.bootstrap), kgo.ClientID("franz-go")}, options...)...)
	if err != nil {
		panic(err)
	}
	return opened
}

// admin is a new one each time: a client keeps metadata for a while, and what was made is to be seen at once.
func (c *client) admin() *kadm.Client {
	return kadm.NewClient(c.open())
}

func (c *client) topics(asks.Ask) (asks.Fields, error) {
	topics, err := c.admin().ListTopics(ctx)
	return asks.Fields{"topics": topics.Names()}, err
}

func (c *client) createTopic(ask asks.Ask) (asks.Fields, error) {
	configs := map[string]*string{}
	for name, value := range ask.Configs {
		configs[name] = kadm.StringPtr(value)
	}
	_, err := c.admin().CreateTopic(ctx, ask.Partitions, 1, configs, ask.Topic)
	return nil, err
}

func (c *client) deleteTopic(ask asks.Ask) (asks.Fields, error) {
	deleted, err := c.admin().DeleteTopics(ctx, ask.Topic)
	if err == nil {
		err = deleted[ask.Topic].Err
	}
	return nil, err
}

func (c *client) addPartitions(ask asks.Ask) (asks.Fields, error) {
	changed, err := c.admin().UpdatePartitions(ctx, int(ask.Total), ask.Topic)
	if err == nil {
		err = changed[ask.Topic].Err
	}
	return nil, err
}

func (c *client) producer(ask asks.Ask) *kgo.Client {
	key := fmt.Sprint(ask.Compression, ask.Idempotent)
	if opened, ok := c.producers[key]; ok {
		return opened
	}
	options := []kgo.Opt{
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codecs[ask.Compression]),
		kgo.ProducerBatchMaxBytes(large),
	}
	if !ask.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	c.producers[key] = c.open(options...)
	return c.producers[key]
}

func (c *client) produce(ask asks.Ask) (asks.Fields, error) {
	records := []*kgo.Record{}
	for _, one := range ask.Records {
		record := &kgo.Record{Topic: ask.Topic, Partition: one.Partition, Key: asks.Bytes(one.Key), Value: asks.Bytes(one.Value)}
		if one.Timestamp != nil {
			record.Timestamp = time.UnixMilli(*one.Timestamp)
		}
		for _, header := range one.Headers {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: header[0], Value: []byte(header[1])})
		}
		records = append(records, record)
	}
	if err := c.producer(ask).ProduceSync(ctx, records...).FirstErr(); err != nil {
		return nil, err
	}
	acks := []asks.Ack{}
	for _, record := range records {
		acks = append(acks, asks.Ack{Partition: record.Partition, Offset: record.Offset})
	}
	return asks.Fields{"acks": acks}, nil
}

func (c *client) read(ask asks.Ask) (asks.Fields, error) {
	start := kgo.NewOffset().AtStart()
	if ask.Start.Offset != nil {
		start = kgo.NewOffset().At(*ask.Start.Offset)
	} else if ask.Start.Timestamp != nil {
		start = kgo.NewOffset().AfterMilli(*ask.Start.Timestamp)
	}
	isolation := kgo.ReadUncommitted()
	if ask.ReadCommitted() {
		isolation = kgo.ReadCommitted()
	}
	reader := c.open(
		kgo.FetchIsolationLevel(isolation),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{ask.Topic: {ask.Partition: start}}),
		kgo.FetchMaxPartitionBytes(large),
		// Without it a topic that is not there is waited for.
		kgo.KeepRetryableFetchErrors(),
	)
	defer reader.Close()
	records := []asks.Record{}
	for len(records) < ask.Count {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(record *kgo.Record) { records = append(records, shown(record)) })
	}
	return asks.Fields{"records": records[:ask.Count]}, nil
}

func (c *client) offsets(ask asks.Ask) (asks.Fields, error) {
	starts, err := c.admin().ListStartOffsets(ctx, ask.Topic)
	if err != nil {
		return nil, err
	}
	ends, err := c.admin().ListEndOffsets(ctx, ask.Topic)
	if err != nil {
		return nil, err
	}
	offsets := map[int32][2]int64{}
	for partition, start := range starts[ask.Topic] {
		if start.Err != nil {
			return nil, start.Err
		}
		offsets[partition] = [2]int64{start.Offset, ends[ask.Topic][partition].Offset}
	}
	return asks.Fields{"offsets": offsets}, nil
}

func (c *client) join(ask asks.Ask) (asks.Fields, error) {
	if ask.Protocol == "share" {
		return nil, c.joinShare(ask)
	}
	held := &holding{member: ask.Member, topic: ask.Topic, partitions: map[int32]bool{}}
	options := []kgo.Opt{
		kgo.ConsumerGroup(ask.Group),
		kgo.ConsumeTopics(ask.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(10 * time.Second),
		kgo.HeartbeatInterval(300 * time.Millisecond),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, given map[string][]int32) { held.change(given, true) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, taken map[string][]int32) { held.change(taken, false) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { held.change(lost, false) }),
	}
	if ask.Protocol == "consumer" {
		// The broker assigns, by the assignor that goes by the balancer's name: uniform.
		options = append(options, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	}
	member := c.open(options...)
	c.members[ask.Member] = member
	go consume(ask.Member, member)
	return nil, nil
}

func consume(name string, member *kgo.Client) {
	for {
		fetches := member.PollFetches(ctx)
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachRecord(func(record *kgo.Record) {
			if err := member.CommitRecords(ctx, record); err != nil {
				asks.Say("failed", asks.Fields{"member": name, "why": err.Error()})
			}
			asks.SayRecord(name, shown(record))
		})
		member.AllowRebalance()
	}
}

// holding is the partitions that a member has; it is told of what comes and what goes.
type holding struct {
	lock       sync.Mutex
	member     string
	topic      string
	partitions map[int32]bool
}

func (h *holding) change(changed map[string][]int32, has bool) {
	h.lock.Lock()
	defer h.lock.Unlock()
	for _, partition := range changed[h.topic] {
		if has {
			h.partitions[partition] = true
		} else {
			delete(h.partitions, partition)
		}
	}
	partitions := []int32{}
	for partition := range h.partitions {
		partitions = append(partitions, partition)
	}
	sort.Slice(partitions, func(i, j int) bool { return partitions[i] < partitions[j] })
	asks.Say("assigned", asks.Fields{"member": h.member, "partitions": partitions})
}

func (c *client) leave(ask asks.Ask) (asks.Fields, error) {
	c.members[ask.Member].CloseAllowingRebalance()
	delete(c.members, ask.Member)
	return nil, nil
}

func (c *client) describeConfigs(ask asks.Ask) (asks.Fields, error) {
	described, err := c.admin().DescribeTopicConfigs(ctx, ask.Topic)
	if err != nil {
		return nil, err
	}
	resource, err := described.On(ask.Topic, nil)
	if err != nil {
		return nil, err
	}
	configs := map[string]*string{}
	for _, config := range resource.Configs {
		configs[config.Key] = config.Value
	}
	return asks.Fields{"configs": configs}, resource.Err
}

func (c *client) alterConfigs(ask asks.Ask) (asks.Fields, error) {
	changes := []kadm.AlterConfig{}
	for name, value := range ask.Configs {
		changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: kadm.StringPtr(value)})
	}
	altered, err := c.admin().AlterTopicConfigs(ctx, changes, ask.Topic)
	if err != nil {
		return nil, err
	}
	return nil, altered[0].Err
}

func (c *client) deleteRecords(ask asks.Ask) (asks.Fields, error) {
	before := kadm.Offsets{}
	before.Add(kadm.Offset{Topic: ask.Topic, Partition: ask.Partition, At: ask.Before})
	deleted, err := c.admin().DeleteRecords(ctx, before)
	if err != nil {
		return nil, err
	}
	return nil, deleted[ask.Topic][ask.Partition].Err
}

func (c *client) groups(asks.Ask) (asks.Fields, error) {
	groups, err := c.admin().ListGroups(ctx)
	return asks.Fields{"groups": groups.Groups()}, err
}

func (c *client) describeConsumerGroup(group string) (asks.Fields, error) {
	described, err := c.admin().DescribeConsumerGroups(ctx, group)
	if err != nil {
		return nil, err
	}
	members := []asks.Fields{}
	for _, member := range described[group].Members {
		members = append(members, asks.Fields{"client_id": member.ClientID, "partitions": partitionsOf(member.Assignment)})
	}
	return asks.Fields{"state": described[group].State, "members": members}, described[group].Err
}

func partitionsOf(assignment kadm.TopicsSet) []int32 {
	partitions := []int32{}
	for _, assigned := range assignment {
		for partition := range assigned {
			partitions = append(partitions, partition)
		}
	}
	return partitions
}

func (c *client) describeGroup(ask asks.Ask) (asks.Fields, error) {
	switch ask.Protocol {
	case "consumer":
		return c.describeConsumerGroup(ask.Group)
	case "share":
		return c.describeShareGroup(ask.Group)
	}
	described, err := c.admin().DescribeGroups(ctx, ask.Group)
	if err != nil {
		return nil, err
	}
	group := described[ask.Group]
	members := []asks.Fields{}
	for _, member := range group.Members {
		partitions := []int32{}
		if assigned, ok := member.Assigned.AsConsumer(); ok {
			for _, topic := range assigned.Topics {
				partitions = append(partitions, topic.Partitions...)
			}
		}
		members = append(members, asks.Fields{"client_id": member.ClientID, "partitions": partitions})
	}
	return asks.Fields{"state": group.State, "members": members}, group.Err
}

func (c *client) deleteGroup(ask asks.Ask) (asks.Fields, error) {
	deleted, err := c.admin().DeleteGroups(ctx, ask.Group)
	if err == nil {
		err = deleted[ask.Group].Err
	}
	return nil, err
}

func (c *client) committed(ask asks.Ask) (asks.Fields, error) {
	found, err := c.admin().FetchOffsets(ctx, ask.Group)
	offsets := map[int32]int64{}
	for partition, offset := range found[ask.Topic] {
		offsets[partition] = offset.At
	}
	return asks.Fields{"offsets": offsets}, err
}

func shown(record *kgo.Record) asks.Record {
	timestamp := record.Timestamp.UnixMilli()
	headers := [][2]string{}
	for _, header := range record.Headers {
		headers = append(headers, [2]string{header.Key, string(header.Value)})
	}
	return asks.Record{
		Partition: record.Partition, Offset: record.Offset, Key: asks.Text(record.Key), Value: asks.Text(record.Value),
		Headers: headers, Timestamp: &timestamp,
	}
}
