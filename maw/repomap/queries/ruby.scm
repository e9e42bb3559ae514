(method) @method
(singleton_method) @method
(class) @class
(module) @module

(call method: (identifier) @reference)
(constant) @reference
