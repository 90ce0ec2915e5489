package franz_go

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"

	"kafkapy/compat/driver/golang/asks"
)

// transactions is the producer of transactions that was begun with last. A producer whose transactions have offsets is
// a session, the producer and the group's member as one; it commits the offsets behind what it has polled.
type transactions struct {
	id       string
	producer *kgo.Client
	session  *kgo.GroupTransactSession
}

func (c *client) begin(ask asks.Ask) (asks.Fields, error) {
	if c.transactions.id != ask.TransactionalID {
		if err := c.openTransactional(ask); err != nil {
			return nil, err
		}
	}
	if c.transactions.session != nil {
		return nil, c.transactions.session.Begin()
	}
	return nil, c.transactions.producer.BeginTransaction()
}

func (c *client) openTransactional(ask asks.Ask) error {
	c.transactions.id, c.transactions.session = ask.TransactionalID, nil
	options := []kgo.Opt{
		kgo.SeedBrokers(c.bootstrap), kgo.ClientID("franz-go"), kgo.TransactionalID(c.transactions.id),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}
	var err error
	if ask.Group == "" {
		c.transactions.producer, err = kgo.NewClient(options...)
		return err
	}
	c.transactions.session, err = kgo.NewGroupTransactSession(append(options,
		kgo.ConsumerGroup(ask.Group), kgo.ConsumeTopics(ask.Source), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.RequireStableFetchOffsets(),
	)...)
	if err == nil {
		c.transactions.producer = c.transactions.session.Client()
	}
	return err
}

func (c *client) send(ask asks.Ask) (asks.Fields, error) {
	records := []*kgo.Record{}
	for _, value := range ask.Values {
		records = append(records, &kgo.Record{Topic: ask.Topic, Partition: 0, Value: []byte(value)})
	}
	return nil, c.transactions.producer.ProduceSync(ctx, records...).FirstErr()
}

func (c *client) sendOffset(ask asks.Ask) (asks.Fields, error) {
	for read := int64(0); read < ask.Offset; {
		fetches := c.transactions.session.PollRecords(ctx, 1)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(record *kgo.Record) { read = record.Offset + 1 })
	}
	return nil, nil
}

func (c *client) end(ask asks.Ask) (asks.Fields, error) {
	if c.transactions.session == nil {
		return nil, c.transactions.producer.EndTransaction(ctx, kgo.TransactionEndTry(ask.Commit))
	}
	committed, err := c.transactions.session.End(ctx, kgo.TransactionEndTry(ask.Commit))
	if err == nil && committed != ask.Commit {
		err = errors.New("the session aborted what was to be committed")
	}
	c.transactions.session.Close()
	c.transactions.id, c.transactions.session = "", nil
	return nil, err
}
