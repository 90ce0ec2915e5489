package kafka_go

import (
	"github.com/segmentio/kafka-go"

	"kafkapy/compat/driver/golang/asks"
)

// transaction is the one that is open. kafka-go has the requests that make it, and no producer that writes in it.
type transaction struct {
	id            string
	producerID    int
	producerEpoch int
}

func (c *client) begin(ask asks.Ask) (asks.Fields, error) {
	given, err := c.admin().InitProducerID(ctx, &kafka.InitProducerIDRequest{
		TransactionalID: ask.TransactionalID, TransactionTimeoutMs: 60_000, ProducerID: -1, ProducerEpoch: -1,
	})
	if err != nil {
		return nil, err
	}
	c.transaction = transaction{ask.TransactionalID, given.Producer.ProducerID, given.Producer.ProducerEpoch}
	return nil, given.Error
}

func (c *client) sendOffset(ask asks.Ask) (asks.Fields, error) {
	added, err := c.admin().AddOffsetsToTxn(ctx, &kafka.AddOffsetsToTxnRequest{
		TransactionalID: c.transaction.id, ProducerID: c.transaction.producerID, ProducerEpoch: c.transaction.producerEpoch, GroupID: ask.Group,
	})
	if err != nil {
		return nil, err
	}
	if added.Error != nil {
		return nil, added.Error
	}
	committed, err := c.admin().TxnOffsetCommit(ctx, &kafka.TxnOffsetCommitRequest{
		TransactionalID: c.transaction.id, ProducerID: c.transaction.producerID, ProducerEpoch: c.transaction.producerEpoch, GroupID: ask.Group, GenerationID: -1,
		Topics: map[string][]kafka.TxnOffsetCommit{ask.Topic: {{Partition: 0, Offset: ask.Offset}}},
	})
	if err != nil {
		return nil, err
	}
	return nil, committed.Topics[ask.Topic][0].Error
}

func (c *client) end(ask asks.Ask) (asks.Fields, error) {
	ended, err := c.admin().EndTxn(ctx, &kafka.EndTxnRequest{
		TransactionalID: c.transaction.id, ProducerID: c.transaction.producerID, ProducerEpoch: c.transaction.producerEpoch, Committed: ask.Commit,
	})
	if err != nil {
		return nil, err
	}
	return nil, ended.Error
}
