using Purser.Server;

return await Commands.Run(args);
