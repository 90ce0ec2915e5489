package sarama

import (
	"time"

	"github.com/IBM/sarama"

	"kafkapy/compat/driver/golang/asks"
)

// transactions is the producer of transactions that was begun with last.
type transactions struct {
	id       string
	producer sarama.SyncProducer
}

func (c *client) begin(ask asks.Ask) (asks.Fields, error) {
	if c.transactions.id != ask.TransactionalID {
		settings := config()
		settings.Producer.Idempotent = true
		settings.Net.MaxOpenRequests = 1
		settings.Producer.Transaction.ID = ask.TransactionalID
		// A broker that takes its time to start is waited for.
		settings.Producer.Retry.Max, settings.Producer.Retry.Backoff = 50, 200*time.Millisecond
		settings.Producer.Transaction.Retry.Max = 50
		settings.Producer.Transaction.Retry.Backoff = 200 * time.Millisecond
		producer, err := sarama.NewSyncProducer(c.bootstrap, settings)
		if err != nil {
			return nil, err
		}
		c.transactions = transactions{ask.TransactionalID, producer}
	}
	return nil, c.transactions.producer.BeginTxn()
}

func (c *client) send(ask asks.Ask) (asks.Fields, error) {
	messages := []*sarama.ProducerMessage{}
	for _, value := range ask.Values {
		messages = append(messages, &sarama.ProducerMessage{Topic: ask.Topic, Partition: 0, Value: sarama.StringEncoder(value)})
	}
	return nil, c.transactions.producer.SendMessages(messages)
}

func (c *client) sendOffset(ask asks.Ask) (asks.Fields, error) {
	offsets := []*sarama.PartitionOffsetMetadata{{Partition: 0, Offset: ask.Offset}}
	return nil, c.transactions.producer.AddOffsetsToTxn(map[string][]*sarama.PartitionOffsetMetadata{ask.Topic: offsets}, ask.Group)
}

func (c *client) end(ask asks.Ask) (asks.Fields, error) {
	if ask.Commit {
		return nil, c.transactions.producer.CommitTxn()
	}
	return nil, c.transactions.producer.AbortTxn()
}
