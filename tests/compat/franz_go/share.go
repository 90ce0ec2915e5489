package franz_go

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kafkapy/compat/driver/golang/asks"
)

// joinShare starts a member of a share group, which begins with the first record. It accepts records, but gives those
// back that say `release` the first time that they come, and rejects those that say `reject`.
func (c *client) joinShare(ask asks.Ask) error {
	if err := c.startAtEarliest(ask.Group); err != nil {
		return err
	}
	member := c.open(kgo.ShareGroup(ask.Group), kgo.ConsumeTopics(ask.Topic))
	c.members[ask.Member] = member
	go consumeShared(ask.Member, member)
	return nil
}

func (c *client) startAtEarliest(group string) error {
	config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	config.Name, config.Value = "share.auto.offset.reset", kmsg.StringPtr("earliest")
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeGroupConfig, group
	resource.Configs = append(resource.Configs, config)
	request := kmsg.NewPtrIncrementalAlterConfigsRequest()
	request.Resources = append(request.Resources, resource)
	asking := c.open()
	defer asking.Close()
	response, err := request.RequestWith(ctx, asking)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(response.Resources[0].ErrorCode)
}

func consumeShared(name string, member *kgo.Client) {
	for {
		fetches := member.PollFetches(ctx)
		if fetches.IsClientClosed() {
			return
		}
		records := fetches.Records()
		for _, record := range records {
			record.Ack(verdict(record))
		}
		if err := member.FlushAcks(ctx); err != nil {
			asks.Say("failed", asks.Fields{"member": name, "why": err.Error()})
		}
		for _, record := range records {
			asks.SayRecord(name, shown(record))
		}
	}
}

func verdict(record *kgo.Record) kgo.AckStatus {
	value := string(record.Value)
	switch {
	case strings.HasPrefix(value, "release") && record.DeliveryCount() == 1:
		return kgo.AckRelease
	case strings.HasPrefix(value, "reject"):
		return kgo.AckReject
	}
	return kgo.AckAccept
}

func (c *client) describeShareGroup(group string) (asks.Fields, error) {
	described, err := c.admin().DescribeShareGroups(ctx, group)
	if err != nil {
		return nil, err
	}
	members := []asks.Fields{}
	for _, member := range described[group].Members {
		members = append(members, asks.Fields{"client_id": member.ClientID, "partitions": partitionsOf(member.Assignment)})
	}
	return asks.Fields{"state": described[group].GroupState, "members": members}, described[group].Err
}
