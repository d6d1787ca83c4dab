using CityPulse.Api.Alerts.Channels.Domain;
using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Auth.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.DeviceKeys;
using CityPulse.Api.Http;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>What a channel must be, and how a request becomes one.</summary>
internal static class ChannelChecks
{
    private const int LongestName = 200;
    private const int LongestSecret = 500;
    private const int MostBuildings = 1000;
    private const int LongestEscalationMinutes = 7 * 24 * 60;

    /// <summary>Members of the resource that clients read and never write.</summary>
    public static readonly string[] ReadOnly = ["id", "hasSecret", "createdAt", "updatedAt", "version"];

    public static Validator Check(ChannelRequest request, bool allowPrivate)
    {
        var check = new Validator();
        check.Required("name", request.Name, LongestName);
        check.Check(request.MinSeverity is not null, "minSeverity", "minSeverity is required.");
        check.OneOf("minSeverity", request.MinSeverity, Words.All<AlertSeverity>());
        check.Check(request.Type is not null, "type", "type is required.");
        check.OneOf("type", request.Type, Words.All<ChannelType>());
        switch (request.Type)
        {
            case "webhook":
                CheckWebhook(check, request, allowPrivate);
                break;
            case "email":
                CheckEmail(check, request);
                break;
        }

        check.Check(
            request.EscalateAfterMinutes is null or (>= 1 and <= LongestEscalationMinutes), "escalateAfterMinutes", "escalateAfterMinutes must be from 1 to 10080.");
        if (request.BuildingIds is { } buildings)
        {
            check.Check(buildings.Count > 0, "buildingIds", "buildingIds must name a building; leave it out for all.");
            check.Check(buildings.Count <= MostBuildings, "buildingIds", "buildingIds must have at most 1000 entries.");
            check.Check(buildings.Distinct().Count() == buildings.Count, "buildingIds", "buildingIds must not name a building twice.");
        }

        return check;
    }

    /// <summary>Foreign buildings are told like missing ones; those that the channel names already may have gone since.</summary>
    public static Task CheckBuildingsAsync(Validator check, CityDb db, ChannelRequest request, Guid[]? known, CancellationToken cancellationToken) =>
        request.BuildingIds is { } buildings && !buildings.All(b => known?.Contains(b) == true)
            ? DeviceKeyRules.CheckBuildingsAsync(check, db.Buildings.Select(b => b.Id), buildings, cancellationToken)
            : Task.CompletedTask;

    /// <summary>Writes a request that was found good.</summary>
    /// <param name="dropSecret">Whether a secret that is not given goes.</param>
    public static void Write(this AlertChannel channel, ChannelRequest request, ChannelSecrets secrets, bool dropSecret)
    {
        channel.Name = request.Name!;
        channel.Type = Words.Parse<ChannelType>(request.Type!);
        channel.Url = request.Url;
        channel.Recipient = request.To;
        channel.MinSeverity = Words.Parse<AlertSeverity>(request.MinSeverity!);
        channel.GroupFloods = request.GroupFloods ?? channel.Type == ChannelType.Email;
        channel.EscalateAfterMinutes = request.EscalateAfterMinutes;
        if (!(request.BuildingIds ?? []).SequenceEqual(channel.BuildingIds ?? []) || request.BuildingIds is null != channel.BuildingIds is null)
        {
            channel.BuildingIds = request.BuildingIds is { } ids ? [.. ids] : null;
        }

        if (request.Secret is { } secret)
        {
            channel.Secret = secrets.Seal(channel.Id, secret);
        }
        else if (dropSecret || channel.Type == ChannelType.Email)
        {
            channel.Secret = null;
        }
    }

    /// <summary>A channel as a client would write it; its secret is in nobody's hands.</summary>
    public static ChannelRequest ToRequest(AlertChannel channel) => new()
    {
        Name = channel.Name,
        Type = Words.Of(channel.Type),
        Url = channel.Url,
        To = channel.Recipient,
        MinSeverity = Words.Of(channel.MinSeverity),
        BuildingIds = channel.BuildingIds,
        GroupFloods = channel.GroupFloods,
        EscalateAfterMinutes = channel.EscalateAfterMinutes,
    };

    private static void CheckWebhook(Validator check, ChannelRequest request, bool allowPrivate)
    {
        check.Check(request.To is null, "to", "to belongs to channels of type email.");
        if (check.Check(request.Url is not null, "url", "url is required for a webhook.") && TargetRules.Refusal(request.Url!, allowPrivate) is { } refusal)
        {
            check.Fail("url", refusal);
        }

        check.Optional("secret", request.Secret, LongestSecret);
    }

    private static void CheckEmail(Validator check, ChannelRequest request)
    {
        check.Check(request.Url is null, "url", "url belongs to channels of type webhook.");
        check.Check(request.Secret is null, "secret", "secret belongs to channels of type webhook.");
        if (check.Check(request.To is not null, "to", "to is required for e-mail."))
        {
            check.Check(AccountText.IsEmail(request.To!), "to", "to must be an e-mail address.");
        }
    }
}
