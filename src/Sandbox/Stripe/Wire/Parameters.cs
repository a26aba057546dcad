namespace Purser.Sandbox.Stripe.Wire;

/// <summary>Turns a form into typed parameters, refusing what Stripe refuses in Stripe's words.</summary>
static class Parameters
{
    const int TextMax = 5_000;
    const int EvidenceMax = 20_000;

    // Eleven digits hold every amount and every moment there is use for, with room for sums and products of them.
    const long IntegerMax = 99_999_999_999;
    const int MetadataKeysMax = 50;
    const int MetadataNameMax = 40;
    const int MetadataValueMax = 500;

    // Plain texts that Stripe lets a caller clear with an empty value; elsewhere an empty text is a mistake.
    static readonly HashSet<string> Clearable =
    [
        "description", "email", "name", "phone", "nickname", "statement_descriptor", "receipt_email", "footer", "line1",
        "line2", "city", "state", "country", "postal_code", "default_payment_method", "unit_label", "lookup_key", "url",
        "uncategorized_text", "client_reference_id",
    ];

    public static JsonObject Read(Shape shape, FormNode form) => Hash(shape, form, "");

    static JsonObject Hash(Shape shape, FormNode form, string path)
    {
        var unknown = form.Parts.Keys.Where(name => !shape.Properties.ContainsKey(name)).ToList();
        if (unknown.Count > 0)
        {
            var names = string.Join(", ", unknown.Select(name => Below(path, name)));
            throw StripeError.Invalid($"Received unknown parameter{(unknown.Count > 1 ? "s" : "")}: {names}",
                Below(path, unknown[0]), "parameter_unknown");
        }

        var read = new JsonObject();
        foreach (var (name, part) in form.Parts)
        {
            read[name] = Value(shape.Properties[name], part, Below(path, name), name);
        }
        foreach (var name in shape.Required)
        {
            if (!read.ContainsKey(name)) throw StripeError.MissingParam(Below(path, name));
        }
        return read;
    }

    static JsonNode? Value(Shape shape, FormNode form, string path, string name) => shape.Kind switch
    {
        ShapeKind.Text when shape.IsDecimal => Decimal(form, path),
        ShapeKind.Text => Text(form, path, name),
        ShapeKind.Integer => Integer(form, path),
        ShapeKind.Number => Number(form, path),
        ShapeKind.Boolean => Boolean(form, path),
        ShapeKind.Enum => Enumerated(shape, form, path),
        ShapeKind.Array => Array(shape, form, path),
        ShapeKind.Hash => form.IsText ? throw Not("object", form, path) : Hash(shape, form, path),
        ShapeKind.Map => Map(shape, form, path, name),
        ShapeKind.OneOf => OneOf(shape, form, path, name),
        ShapeKind.Any => form.Value,
    };

    static JsonValue Text(FormNode form, string path, string name)
    {
        if (!form.IsText) throw Not("string", form, path);
        var text = form.Value ?? "";
        if (text.Length == 0 && !Clearable.Contains(name)) throw Empty(path);
        var max = path.StartsWith("evidence[", StringComparison.Ordinal) ? EvidenceMax : TextMax;
        if (text.Length > max)
        {
            throw StripeError.Invalid(
                $"Invalid string: {text[..6]}...{text[^6..]}; must be at most {max} characters", path);
        }
        return JsonValue.Create(text);
    }

    /// <summary>A number as text, kept as it was written: no digit of a price may change on the way.</summary>
    static JsonValue Decimal(FormNode form, string path)
    {
        if (form.IsText && decimal.TryParse(form.Value, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture, out var number) && Math.Abs(number) <= IntegerMax)
        {
            return JsonValue.Create(form.Value!);
        }
        throw StripeError.Invalid($"Invalid decimal: {form.Value}", path);
    }

    static JsonValue Integer(FormNode form, string path)
    {
        if (form.IsText && form.Value == "") throw Empty(path);
        if (!form.IsText ||
            !long.TryParse(form.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            throw Not("integer", form, path, "parameter_invalid_integer");
        }
        if (number is < -IntegerMax or > IntegerMax)
        {
            var bound = number < 0 ? $"greater than or equal to -{IntegerMax}" : $"less than or equal to {IntegerMax}";
            throw StripeError.Invalid($"This value must be {bound} (it currently is '{number}').", path,
                "parameter_invalid_integer");
        }
        return JsonValue.Create(number);
    }

    static JsonValue Number(FormNode form, string path)
    {
        if (form.IsText &&
            decimal.TryParse(form.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            return JsonValue.Create(number);
        }
        throw StripeError.Invalid($"Invalid decimal: {form.Value}", path);
    }

    static JsonValue Boolean(FormNode form, string path) => form.Value switch
    {
        "true" or "1" => JsonValue.Create(true),
        "false" or "0" => JsonValue.Create(false),
        "" => throw Empty(path),
        _ => throw Not("boolean", form, path),
    };

    static JsonValue Enumerated(Shape shape, FormNode form, string path)
    {
        if (form.IsText && form.Value is { } text && shape.Values.Contains(text)) return JsonValue.Create(text);
        if (form.IsText && form.Value == "") throw Empty(path);
        throw StripeError.Invalid($"Invalid {path}: must be {Listed(shape.Values)}", path);
    }

    static string Listed(IReadOnlyList<string> values)
    {
        var shown = values.Where(v => v.Length > 0).ToList();
        return shown.Count switch
        {
            1 => shown[0],
            2 => $"one of {shown[0]} or {shown[1]}",
            _ => $"one of {string.Join(", ", shown.Take(shown.Count - 1))}, or {shown[^1]}",
        };
    }

    static JsonArray Array(Shape shape, FormNode form, string path)
    {
        // The .NET SDK sends an empty list as "a=".
        if (form.IsText) return form.Value == "" ? [] : throw Not("array", form, path);

        var array = new JsonArray();
        var named = form.Parts.Keys.FirstOrDefault(k =>
            !int.TryParse(k, NumberStyles.None, CultureInfo.InvariantCulture, out _));
        if (named is not null) throw StripeError.Invalid("Invalid array", path);
        foreach (var (index, part) in form.Parts.OrderBy(p => int.Parse(p.Key, CultureInfo.InvariantCulture)))
        {
            array.Add(Value(shape.Element!, part, $"{path}[{index}]", ""));
        }
        return array;
    }

    static JsonNode Map(Shape shape, FormNode form, string path, string name)
    {
        if (form.IsText) return form.Value == "" ? JsonValue.Create("") : throw Not("object", form, path);
        if (name == "metadata") return Metadata(form, path);
        var map = new JsonObject();
        foreach (var (key, part) in form.Parts) map[key] = Value(shape.Element!, part, Below(path, key), key);
        return map;
    }

    static JsonObject Metadata(FormNode form, string path)
    {
        if (form.Parts.Count > MetadataKeysMax)
        {
            throw StripeError.Invalid($"You can only have {MetadataKeysMax} keys in metadata.", path);
        }
        var metadata = new JsonObject();
        foreach (var (key, part) in form.Parts)
        {
            var inner = $"{path}[{key}]";
            if (!part.IsText)
            {
                throw StripeError.Invalid("Metadata values must be strings, but for key "
                    + $"`{key}` you passed in a value of type `hash`", inner);
            }
            if (key.Contains('[', StringComparison.Ordinal) || key.Contains(']', StringComparison.Ordinal))
            {
                throw StripeError.Invalid($"Metadata keys can't include square brackets. Invalid key: {key}", inner);
            }
            if (key.Length > MetadataNameMax)
            {
                throw StripeError.Invalid($"Metadata keys can have up to {MetadataNameMax} characters, but you passed in a "
                    + $"key that is {key.Length} characters. Invalid key: {key}", inner);
            }
            var value = part.Value ?? "";
            if (value.Length > MetadataValueMax)
            {
                throw StripeError.Invalid($"Metadata values can have up to {MetadataValueMax} characters, but you passed in a "
                    + $"value that is {value.Length} characters. Invalid value: {value}", inner);
            }
            metadata[key] = value;
        }
        return metadata;
    }

    static JsonNode? OneOf(Shape shape, FormNode form, string path, string name)
    {
        if (!form.IsText)
        {
            var option = shape.Options.FirstOrDefault(o => o.Kind is ShapeKind.Array or ShapeKind.Hash or ShapeKind.Map)
                ?? throw Not("string", form, path);
            return Value(option, form, path, name);
        }

        var words = shape.Options.FirstOrDefault(o => o.Kind == ShapeKind.Enum && o.Values.Contains(form.Value));
        if (words is not null) return form.Value;
        // The narrowest kind decides, so that the refusal names what was expected.
        foreach (var kind in (ReadOnlySpan<ShapeKind>)[ShapeKind.Boolean, ShapeKind.Integer, ShapeKind.Text])
        {
            if (shape.Options.FirstOrDefault(o => o.Kind == kind) is { } option) return Value(option, form, path, name);
        }
        var last = shape.Options.First(o => o.Kind != ShapeKind.Enum || o.Values.Any(v => v.Length > 0));
        return Value(last, form, path, name);
    }

    static string Below(string path, string name) => path.Length == 0 ? name : $"{path}[{name}]";

    static StripeError Not(string kind, FormNode form, string path, string? code = null)
    {
        var what = kind is "object" or "array" ? $"Invalid {kind}" : $"Invalid {kind}: {form.Value ?? "{...}"}";
        return StripeError.Invalid(what, path, code);
    }

    static StripeError Empty(string path) => StripeError.Invalid(
        $"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a field; however '{path}' "
        + $"cannot be unset. You should remove '{path}' from your request or supply a non-empty value.",
        path, "parameter_invalid_empty");
}
