namespace NetZero.Sharding;

/// <summary>Which units are gathered as the events of a step go by: declares each gather and each release once where it is needed.</summary>
internal sealed class GatherPlan(ModelUnits model, int shards, Action<ScheduleEventKind, int> add)
{
    private readonly bool[] _gathered = new bool[model.Units.Count];

    /// <summary>Starts the gathers of a block that are not under way.</summary>
    public void Gather(int block)
    {
        foreach (var unit in Sharded(block))
            if (!_gathered[unit])
            {
                add(ScheduleEventKind.AllGather, unit);
                _gathered[unit] = true;
            }
    }

    /// <summary>Between forward and backward: lets go, cuts down or keeps, as the policy of each unit says.</summary>
    public void ReshardAfterForward(int block)
    {
        foreach (var unit in Sharded(block))
        {
            var reshard = model.Units[unit].Policy.ReshardAfterForward;
            if (!reshard.Keeps)
                LetGo(reshard.GroupSize > 0 ? ScheduleEventKind.Reshard : ScheduleEventKind.Release, unit);
        }
    }

    /// <summary>Lets a block go.</summary>
    public void Release(int block)
    {
        foreach (var unit in Sharded(block))
            LetGo(ScheduleEventKind.Release, unit);
    }

    private void LetGo(ScheduleEventKind how, int unit)
    {
        if (!_gathered[unit])
            return;
        add(how, unit);
        _gathered[unit] = false;
    }

    private IEnumerable<int> Sharded(int block) =>
        model.Blocks[block].Units.Where(u => shards > 1 && model.Units[u].Policy.ShardsParameters);
}
