using CityPulse.Stores;

// Runs one of the two stores as a plain process, for development and tests on one machine:
//   postgres --data DIR --port N [--database NAME] [--no-fsync]   local PostgreSQL binaries, a private cluster
//   redis    --port N                                             Garnet, which speaks the Redis protocol
// The password comes from the environment (STORE_PASSWORD), so that it never stands in a process list.
try
{
    var options = StoreOptions.Parse(args);
    using var lifetime = new StoreLifetime(options.ParentProcessId);
    return options.Store switch
    {
        "postgres" => new PostgresStore(options).Run(lifetime),
        _ => new RedisStore(options).Run(lifetime),
    };
}
catch (StoreException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
