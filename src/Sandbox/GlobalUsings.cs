global using Purser.Sandbox.Stripe.Events;
global using Purser.Sandbox.Stripe.Spec;
global using Purser.Sandbox.Stripe.Storage;
global using Purser.Sandbox.Stripe.Wire;
global using Purser.Sandbox.Stripe;
global using System.Globalization;
global using System.Text.Json.Nodes;
