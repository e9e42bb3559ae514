(function_declaration) @function
(generator_function_declaration) @function
(function_signature) @function
(class_declaration) @class
(abstract_class_declaration) @class
(interface_declaration) @interface
(type_alias_declaration) @type
(enum_declaration) @enum
(method_definition) @method
(method_signature) @method
(abstract_method_signature) @method
(variable_declarator value: [(arrow_function) (function_expression)]) @function

(call_expression function: (identifier) @reference)
(member_expression property: (property_identifier) @reference)
(new_expression constructor: (identifier) @reference)
(extends_clause value: (identifier) @reference)
(import_specifier name: (identifier) @reference)
(type_identifier) @reference
(jsx_opening_element name: (identifier) @reference)
(jsx_self_closing_element name: (identifier) @reference)

(import_statement source: (string) @import)
