using CityPulse.Deploy;

// What ./citypulse manifests and ./citypulse secrets do, after the AppHost has written its manifest:
//   manifests --manifest FILE --source DIR [--output DIR] [--registry NAME] [--tag TAG]   the tree for kubectl
//   secrets FILE                                                                          new random secrets, once
try
{
    switch (DeployOptions.Parse(args))
    {
        case ManifestOptions options:
            ManifestTree.Write(options, Console.Out);
            break;
        case SecretOptions options:
            SecretsFile.Create(options.File, Console.Out);
            break;
    }

    return 0;
}
catch (DeployException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
